import { failure, unreachable } from "../../ipc/errors.ts";
import type { Failure } from "../../ipc/errors.ts";
import type { Oid } from "../../ipc/ids.ts";
import { GitError, git, gitLine } from "../../system/git.ts";
import type { GitPlace } from "../../system/git.ts";
import { branchRef, committerOf, followedRef, readRefs, synced, transact } from "./branch.ts";
import type { Identity, LandingSite, Writer } from "./branch.ts";
import { recoverFollow } from "./followRecovery.ts";
import type { FollowRecovery } from "./followRecovery.ts";
import { epochRef, epochText, withEpochBlob } from "./epochBlob.ts";
import { endLeftOvers } from "./leftovers.ts";
import { clearLocks } from "./lockFiles.ts";
import { mustBeOid } from "./mergeTree.ts";
import { pastDeadLocks } from "../../system/refLocks.ts";
import { suitability } from "./suitability.ts";
import { recoverUnseen } from "./unseenMove.ts";
import { openWriterGit } from "./writerGit.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * What a supervisor does before it lands anything, under its exclusive lock, in this order:
 *
 *     1  left-over git children of a dead supervisor end
 *     2  lock files of our own refs go, others are reported
 *     3  can anything be landed here at all?
 *     4  the epoch ref is written: from now on git refuses whoever has an older one
 *     5  orchd's branch is made where there is none
 *     6  a follow that was cut off is settled
 */
export type LandingStart =
  | {
      readonly kind: "ready";
      readonly tip: Oid;
      readonly targetTip: Oid;
      readonly identity: Identity;
      /** Pids of left-over git children that had to be killed. */
      readonly killed: readonly number[];
      readonly removedLocks: readonly string[];
      /** Lock files of the person's, or of a git that was killed: to be shown, never touched. */
      readonly foreignLocks: readonly string[];
      readonly follow: FollowRecovery;
    }
  | { readonly kind: "refused"; readonly failure: Failure };

export async function prepare(
  site: LandingSite,
): Promise<{ readonly start: LandingStart; readonly writer: Writer | null }> {
  try {
    const killed = await endLeftOvers(site.place.gitDir);
    const locks = await clearLocks(site);
    // Every git takes some milliseconds, and people wait for this: what can be asked at once is.
    const reading = readRefs(site);
    const newest = reading.then(({ epoch }) => (epoch === null ? 0 : epochIn(site.place, epoch)));
    // Another reason may be found first; then nobody waits for this one.
    newest.catch(() => {});
    const suits = await suitability(site, reading);
    if (suits.kind === "refused") return { start: suits, writer: null };
    const { epoch: before } = await reading;
    const epochOid = (await newest) > site.epoch ? null : await writeEpoch(site, before);
    if (epochOid === null) return refusal("a newer supervisor has written here");
    const { tip, target } = await reading;
    if (target === null) return refusal(`${site.target} has no commit`);
    await site.attributes.clear();
    // In nobody's time; what goes wrong goes wrong again at the first merge, which says so.
    site.attributes.placeOf((tip ?? target).tree).catch(() => {});
    const options = { config: synced, env: committerOf(suits.identity) };
    const kept = openWriterGit(site.place, options, suits.version, target.oid);
    const writer: Writer = { ...site, epochOid, identity: suits.identity, git: kept };
    const tips = await makeBranch(writer);
    if (typeof tips === "string") return refusal(tips);
    await recoverUnseen(writer);
    const follow = await recoverFollow(writer);
    const { removed: removedLocks, foreign: foreignLocks } = locks;
    const { identity } = writer;
    const start = { ...tips, identity, killed, removedLocks, foreignLocks, follow };
    return { start: { kind: "ready", ...start }, writer };
  } catch (error) {
    if (error instanceof GitError) return refusedBy(error);
    throw error;
  }
}

function refusal(message: string): { start: LandingStart; writer: null } {
  return refused(failure("unsuitable_repository", message));
}

function refused(reason: Failure): { start: LandingStart; writer: null } {
  return { start: { kind: "refused", failure: reason }, writer: null };
}

/** Git has waited for the lock; its own words are five lines about editors. */
function refusedBy({ message, result }: GitError): { start: LandingStart; writer: null } {
  const lock = /Unable to create '(.*\.lock)': File exists/.exec(result.stderr)?.[1];
  if (lock === undefined) return refusal(message);
  return refused(
    failure("unsuitable_repository", `${lock} is there for more than 5 s: a git has locked it`, {
      hint: "If your `git gc` is at work, start again when it has ended; what a killed git left, `orchd doctor` names.",
    }),
  );
}

/**
 * A person's git may be at work meanwhile. While `git gc` packs refs it locks each in turn: that is waited
 * for, by git itself for five seconds. One that prunes (`--prune=now`) may take the blob away before the ref
 * names it, or its folder while it is written: it is written again. For what it does later see epochBlob.ts.
 */
async function writeEpoch(site: LandingSite, before: Oid | null): Promise<Oid> {
  for (let tries = 1; ; tries += 1)
    try {
      return await writeEpochOnce(site, before);
    } catch (error) {
      if (tries === epochTriesMax || !isPruned(error)) throw error;
    }
}

const epochTriesMax = 5;

function isPruned(error: unknown): boolean {
  return (
    error instanceof GitError &&
    /nonexistent object|No such file or directory/.test(error.result.stderr)
  );
}

async function writeEpochOnce(site: LandingSite, before: Oid | null): Promise<Oid> {
  const ours = mustBeOid(
    await failpoint("epoch.blob", () =>
      gitLine(site.place, ["hash-object", "-w", "--stdin"], {
        input: epochText(site.epoch),
        config: synced,
      }),
    ),
  );
  const old = before ?? "0".repeat(ours.length);
  if (ours !== before)
    await pastDeadLocks(site.place.gitDir, [epochRef], () =>
      failpoint("epoch.ref", () =>
        git(site.place, ["update-ref", epochRef, ours, old], { config: synced }),
      ),
    );
  return ours;
}

/** The epoch that the repository itself has seen last: more than the lock knows when its file was lost. */
export async function epochInRepository(gitDir: string): Promise<number> {
  const place = { gitDir };
  const ref = await git(place, ["rev-parse", "--quiet", "--verify", epochRef], { accept: [0, 1] });
  return ref.code === 0 ? await epochIn(place, ref.stdout.trim()) : 0;
}

async function epochIn(place: GitPlace, blob: string): Promise<number> {
  const text = await withEpochBlob(place, () => gitLine(place, ["cat-file", "blob", blob]));
  return Number(/^epoch (\d+)$/.exec(text)?.[1] ?? 0);
}

/** The tips, or in words why there is no branch. */
async function makeBranch(writer: Writer): Promise<{ tip: Oid; targetTip: Oid } | string> {
  const { tip, target, followed } = await readRefs(writer);
  if (target === null) return `${writer.target} has no commit`;
  if (tip !== null) return { tip: tip.oid, targetTip: target.oid };
  const changes = [
    { ref: branchRef(writer), to: target.oid, from: null },
    { ref: followedRef(writer), to: target.oid, from: followed },
  ];
  const reason = `orchd: begin at ${writer.target}`;
  const made = await failpoint("begin.branch", () => transact(writer, changes, { reason }));
  switch (made.kind) {
    case "done":
      return { tip: target.oid, targetTip: target.oid };
    case "fenced":
      return "a newer supervisor has written here";
    case "problem":
      return made.message;
    default:
      return unreachable(made);
  }
}
