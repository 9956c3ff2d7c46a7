import { GitError, git } from "../../system/git.ts";
import type { GitPlace } from "../../system/git.ts";
import { pastDeadLocks } from "../../system/refLocks.ts";
import type { Repository } from "../../system/repository.ts";
import { epochRef, withEpochBlob } from "./epochBlob.ts";
import { moveRefs } from "./writerGit.ts";
import type { WriterGit } from "./writerGit.ts";
import { SignatureError } from "./signer.ts";
import type { Signer } from "./signer.ts";
import type { TreeAttributes } from "./treeAttributes.ts";
import { isOid } from "../../ipc/ids.ts";
import type { Oid, RequestId, TaskId } from "../../ipc/ids.ts";

/**
 * The refs of ours and how they move. orchd writes nowhere else in the ref space:
 *
 *     refs/heads/orchd/<target>       the integration branch; only `transact` moves it
 *     refs/orchd/epoch                blob "epoch N\n" of the supervisor that may write
 *     refs/orchd/followed/<target>    the target's tip when orchd last accounted for it: everything
 *                                     below it is in orchd's branch
 *     refs/orchd/candidates/<task>    a merge that waits for its gate; stays until collected
 *     refs/orchd/conflicts/<task>     work that does not merge, with what it met (parked.ts)
 *     refs/orchd/live/<task>          what a running attempt has changed so far; made by its worker
 *     refs/orchd/resolutions/<task>/<request>   a person's commit that takes its place (resolution.ts)
 *     refs/orchd/rewound/<time>       what orchd's branch was before a rewind was settled
 *
 * Guarantee: a transaction verifies the epoch ref and compares every old value, so a git child that a
 * dead supervisor left running cannot move anything once its successor has written its epoch.
 */
/** Where landing happens; the same for the life of a supervisor. */
export type LandingSite = {
  /** The common directory, for work on objects and refs alone. */
  readonly place: GitPlace;
  /** The main working tree. */
  readonly workTree: string;
  /** The person's branch, short: `main`. */
  readonly target: string;
  readonly epoch: number;
  /** As it was found just now; `null`: `prepare` looks for itself. */
  readonly repository: Repository | null;
  /** Search path of the person's filters. */
  readonly path: string | null;
  readonly signer: Signer;
  readonly attributes: TreeAttributes;
};

export type Identity = { readonly name: string; readonly email: string };

/** A site whose epoch ref is written: from here on git lets us move refs. */
export type Writer = LandingSite & {
  readonly epochOid: Oid;
  readonly identity: Identity;
  readonly git: WriterGit;
};

/** Landing stands still until a person acts; no task is to blame. */
export type Held = {
  readonly kind: "held";
  readonly why:
    | "rewound"
    | "branch_checked_out"
    | "branch_missing"
    | "absorb_conflict"
    | "reapply_conflict"
    | "signature";
  readonly message: string;
  readonly paths: readonly string[];
};
export type Fenced = { readonly kind: "fenced" };
export type Broken = { readonly kind: "problem"; readonly message: string };

/** Objects and refs are on disk when a writing git returns: git's default leaves both to the kernel. */
export const synced = { "core.fsync": "committed", "core.filesRefLockTimeout": "5000" } as const;

export const targetRef = (site: LandingSite): string => `refs/heads/${site.target}`;
export const branchRef = (site: LandingSite): string => `refs/heads/orchd/${site.target}`;
export const followedRef = (site: LandingSite): string => `refs/orchd/followed/${site.target}`;
export const candidateRef = (task: TaskId): string => `refs/orchd/candidates/${task}`;
export const conflictRef = (task: TaskId): string => `refs/orchd/conflicts/${task}`;
export const resolutionRef = (task: TaskId, request: RequestId): string =>
  `${resolutionsPrefix}${task}/${request}`;
export const resolutionsPrefix = "refs/orchd/resolutions/";

export function held(why: Held["why"], message: string, paths: readonly string[] = []): Held {
  return { kind: "held", why, message, paths };
}

/** What git said, as a value; anything that is not git's is a bug and goes on. */
export function brokenBy(error: unknown): Broken {
  if (error instanceof GitError) return { kind: "problem", message: error.message };
  throw error;
}

/** The same of a step that signs. */
export function stoppedBy(error: unknown): Held | Broken {
  return error instanceof SignatureError ? held("signature", error.message) : brokenBy(error);
}

export type Commit = { readonly oid: Oid; readonly tree: Oid };

/** The refs a step starts from, read by one git call. */
export type Refs = {
  readonly tip: Commit | null;
  readonly target: Commit | null;
  readonly followed: Oid | null;
  readonly epoch: Oid | null;
  /** The working tree that has orchd's branch checked out; `null`: none, as it should be. */
  readonly checkedOutAt: string | null;
};

export async function readRefs(site: LandingSite): Promise<Refs> {
  const names = [branchRef(site), targetRef(site), followedRef(site), epochRef];
  const format = "--format=%(refname)%00%(objectname)%00%(tree)%00%(worktreepath)";
  const args = ["for-each-ref", format, ...names];
  const { stdout } = await withEpochBlob(site.place, () => git(site.place, args));
  const rows = new Map(
    stdout.split("\n").map((line) => {
      const [name = "", oid = "", tree = "", workTree = ""] = line.split("\0");
      return [name, { oid: isOid(oid) ? oid : null, tree: isOid(tree) ? tree : null, workTree }];
    }),
  );
  const commit = (name: string): Commit | null => {
    const row = rows.get(name);
    return row?.oid && row.tree ? { oid: row.oid, tree: row.tree } : null;
  };
  return {
    tip: commit(branchRef(site)),
    target: commit(targetRef(site)),
    followed: rows.get(followedRef(site))?.oid ?? null,
    epoch: rows.get(epochRef)?.oid ?? null,
    checkedOutAt: rows.get(branchRef(site))?.workTree || null,
  };
}

type RefChange = {
  readonly ref: string;
  /** `null`: it is removed. */
  readonly to: Oid | null;
  /** The value it must have; `null`: it must not exist; `any`: whatever it has. */
  readonly from: Oid | null | "any";
};

export type Transaction = { readonly kind: "done" } | Fenced | Broken;

/**
 * Moves refs, all or none, if the epoch is still ours; by the git that is kept for it, unless a
 * reason or another git directory is asked for. `problem` covers a lost comparison too: the
 * caller reads the refs again to tell which. A git that was killed leaves no lock of ours. `start` and
 * `commit` are explicit so that input cut off by our death moves nothing.
 */
export async function transact(
  writer: Writer,
  changes: readonly RefChange[],
  more: { readonly reason: string; readonly gitDir?: string } | null = null,
): Promise<Transaction> {
  const lines = [`verify ${epochRef} ${writer.epochOid}`, ...changes.map(line)];
  const refs = [epochRef, ...changes.map(({ ref }) => ref)];
  try {
    await pastDeadLocks(writer.place.gitDir, refs, async () => {
      if (more === null) return await moveRefs(writer.git, lines);
      await git(placeOf(writer, more.gitDir), ["update-ref", "-m", more.reason, "--stdin"], {
        input: `start\n${lines.join("\n")}\ncommit\n`,
        config: synced,
        env: committerOf(writer.identity),
      });
    });
    return { kind: "done" };
  } catch (error) {
    const broken = brokenBy(error);
    const { epoch } = await readRefs(writer);
    return epoch === writer.epochOid ? broken : { kind: "fenced" };
  }
}

function placeOf(writer: Writer, gitDir: string | undefined): GitPlace {
  return gitDir === undefined ? writer.place : { gitDir };
}

function line({ ref, to, from }: RefChange): string {
  if (to === null)
    return from === "any" || from === null ? `delete ${ref}` : `delete ${ref} ${from}`;
  if (from === null) return `create ${ref} ${to}`;
  return from === "any" ? `update ${ref} ${to}` : `update ${ref} ${to} ${from}`;
}

export function committerOf({ name, email }: Identity): Record<string, string> {
  return { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}

export async function isAncestor(site: LandingSite, old: Oid, young: Oid): Promise<boolean> {
  if (old === young) return true;
  const args = ["merge-base", "--is-ancestor", old, young];
  return (await git(site.place, args, { accept: [0, 1] })).code === 0;
}
