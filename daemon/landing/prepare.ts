import { failure, unreachable } from "../../ipc/errors.ts";
import type { Failure } from "../../ipc/errors.ts";
import type { Oid } from "../../ipc/ids.ts";
import { GitError, git, gitLine } from "../../system/git.ts";
import {
  branchRef,
  committerOf,
  epochRef,
  followedRef,
  readRefs,
  synced,
  transact,
} from "./branch.ts";
import type { Identity, LandingSite, Writer } from "./branch.ts";
import { recoverFollow } from "./followRecovery.ts";
import type { FollowRecovery } from "./followRecovery.ts";
import { endLeftOvers } from "./leftovers.ts";
import { clearLocks } from "./lockFiles.ts";
import { mustBeOid } from "./mergeTree.ts";
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
    const newest = reading.then(({ epoch }) => (epoch === null ? 0 : epochAt(site, epoch)));
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
    if (error instanceof GitError) return refusal(error.message);
    throw error;
  }
}

function refusal(message: string): { start: LandingStart; writer: null } {
  const reason = failure("unsuitable_repository", message);
  return { start: { kind: "refused", failure: reason }, writer: null };
}

async function writeEpoch(site: LandingSite, before: Oid | null): Promise<Oid> {
  const ours = mustBeOid(
    await failpoint("epoch.blob", () =>
      gitLine(site.place, ["hash-object", "-w", "--stdin"], {
        input: `epoch ${site.epoch}\n`,
        config: synced,
      }),
    ),
  );
  if (ours !== before)
    await failpoint("epoch.ref", () =>
      git(site.place, ["update-ref", epochRef, ours, before ?? "0".repeat(ours.length)], {
        config: synced,
      }),
    );
  return ours;
}

/** The epoch that the repository itself has seen last: more than the lock knows when its file was lost. */
export async function epochInRepository(gitDir: string): Promise<number> {
  const place = { gitDir };
  const ref = await git(place, ["rev-parse", "--quiet", "--verify", epochRef], { accept: [0, 1] });
  if (ref.code !== 0) return 0;
  const text = await gitLine(place, ["cat-file", "blob", ref.stdout.trim()]);
  return Number(/^epoch (\d+)$/.exec(text)?.[1] ?? 0);
}

async function epochAt(site: LandingSite, blob: Oid): Promise<number> {
  const text = await gitLine(site.place, ["cat-file", "blob", blob]);
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
