import type { SavePolicy } from "../../ipc/configSpec.ts";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import { touchedBytesMax, touchedPathsMax } from "../../ipc/workerMessages.ts";
import type { Saved } from "../../ipc/workerMessages.ts";
import { git, gitLine, GitError } from "../../system/git.ts";
import { importCommits } from "./importCommits.ts";
import { historyOf } from "./history.ts";
import { clearIndexLock, durable, settleOwnGit } from "./ownGit.ts";
import { mustBeRealFolder } from "./place.ts";
import type { Base, Owner, Place, Repository } from "./place.ts";
import { isOutOfSpace } from "./space.ts";
import { changedPaths, snapshot } from "./snapshot.ts";
import type { Change } from "./snapshot.ts";
import { failpoint } from "../../system/failpoint.ts";
import { updateRef } from "./updateRef.ts";

/**
 * Saving turns whatever an attempt left (committed, staged, unstaged, untracked; not what git
 * ignores) into one commit in the repository, synced and pinned as `refs/orchd/attempts/<task>/<n>`:
 *
 *     files of the workspace ──add, write-tree──► tree        by our own git directory, never the agent's
 *     the agent's HEAD       ──pack, unpack─────► parent      only if it is not the base any more
 *     tree + parent          ──commit-tree──────► commit ──update-ref──► the ref
 *     stashes, other branches ───────────────────────────────► refs/orchd/strays/<task>/<n>
 *
 * Guarantees: the commit's tree is what the files were, whatever happened to the agent's `.git`; the
 * same content saved twice gives the same commit (its dates are those of the attempt's start), so a
 * save that was cut short can be repeated; when this returns, everything is on disk.
 *
 * Not saved: ignored files, new files that `policy` keeps back (keepBack.ts) and then the agent's
 * commits either, which may have them, nor commits that hold such files (history.ts), and what changed inside a submodule of the base (its own repository).
 */
export type SaveRequest = Owner & {
  readonly base: Base;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Absent: every new file is saved. */
  readonly policy?: SavePolicy;
  /** A commit is made even if it changes nothing. */
  readonly evenUnchanged?: boolean;
};

/**
 * `null`: nothing changed and nothing was committed, unless that is wanted all the same. Throws a `GitError`, a `WorkspaceError` or an
 * error of the file system when something could not be saved; the workspace is then as it was.
 */
export async function saveWorkspace(
  place: Place,
  repository: Repository,
  request: SaveRequest,
): Promise<Saved | null> {
  await mustBeRealFolder(place);
  await clearIndexLock(place);
  const { base } = request;
  await settleOwnGit(place, repository, base);
  const { tree, changes } = await snapshot(place, repository, request);
  const { head, strays } = await historyOf(place, repository, request, tree);
  const parent = (await importHead(place, repository, base, head)) ?? base.commit;
  if (strays.length > 0) await pinStrays(place, repository, request, tree, strays);
  const isUnchanged = tree === base.tree && (head === null || head === base.commit);
  if (isUnchanged && request.evenUnchanged !== true) return null;
  const commit = await failpoint("save.commit", () =>
    commitTree(repository, request, tree, [parent]),
  );
  const ref = attemptRef(request);
  await failpoint("save.ref", () => updateRef(repository, ref, commit));
  const descends = await contains(repository, parent, base.commit);
  return { commit, base: base.commit, ref, ...touchedBy(changes), descends };
}

/** Are the files other than what was saved? Throws as `saveWorkspace` does. */
export async function changedSince(
  place: Place,
  repository: Repository,
  request: SaveRequest,
  saved: Pick<Saved, "commit">,
): Promise<boolean> {
  await mustBeRealFolder(place);
  await clearIndexLock(place);
  const { tree } = await snapshot(place, repository, request);
  return tree !== (await treeOf(repository, saved.commit));
}

/**
 * What the files are now, on top of what was saved before, which stays below it; the same if nothing
 * has changed. For what somebody else than the agent did to them. Throws as `saveWorkspace` does.
 */
export async function saveMore(
  place: Place,
  repository: Repository,
  request: SaveRequest,
  saved: Saved,
): Promise<Saved> {
  await mustBeRealFolder(place);
  await clearIndexLock(place);
  const { tree, changes } = await snapshot(place, repository, request);
  if (tree === (await treeOf(repository, saved.commit))) return saved;
  const commit = await failpoint("save.more", async () => {
    const made = await commitTree(repository, request, tree, [saved.commit]);
    await updateRef(repository, saved.ref, made);
    return made;
  });
  return { ...saved, commit, ...touchedBy(changes) };
}

async function treeOf(repository: Repository, commit: Oid): Promise<string> {
  return await gitLine({ gitDir: repository.gitDir }, [
    "rev-parse",
    "--verify",
    `${commit}^{tree}`,
  ]);
}

/** What an earlier process already saved for this attempt; `null` when it did not get that far. */
export async function findSaved(
  repository: Repository,
  request: Omit<SaveRequest, "policy">,
): Promise<Saved | null> {
  const ref = attemptRef(request);
  const { stdout } = await git(
    { gitDir: repository.gitDir },
    ["rev-parse", "--quiet", "--verify", `${ref}^{commit}`],
    { accept: [0, 1] },
  );
  const commit = stdout.trim();
  if (!isOid(commit)) return null;
  const { base } = request;
  const changes = await changedPaths(repository, base.tree, commit);
  const descends = await contains(repository, commit, base.commit);
  return { commit, base: base.commit, ref, ...touchedBy(changes), descends };
}

/** The agent's last commit, brought into the repository; `null` when there is none that can be had. */
async function importHead(
  place: Place,
  repository: Repository,
  base: Base,
  head: Oid | null,
): Promise<Oid | null> {
  if (head === null || head === base.commit) return null;
  try {
    await importCommits(place, repository, [head], [base.commit]);
    return head;
  } catch (error) {
    // Damaged or forged history: the files are safe without it, on top of the base.
    if (!(error instanceof GitError) || isOutOfSpace(error, disksOf(place, repository)))
      throw error;
    return null;
  }
}

/** Stashes and other branches are nobody's result, but they are work: kept where a person finds them. */
async function pinStrays(
  place: Place,
  repository: Repository,
  request: SaveRequest,
  tree: Oid,
  strays: readonly Oid[],
): Promise<void> {
  const kept: Oid[] = [];
  for (const oid of strays) {
    try {
      await importCommits(place, repository, [oid], [request.base.commit]);
      kept.push(oid);
    } catch (error) {
      // A ref that names nothing, or nothing whole: there is nothing to keep.
      if (!(error instanceof GitError) || isOutOfSpace(error, disksOf(place, repository)))
        throw error;
    }
  }
  if (kept.length === 0) return;
  const ref = `refs/orchd/strays/${request.task}/${request.attempt}`;
  await failpoint("save.strays", async () => {
    await updateRef(repository, ref, await commitTree(repository, request, tree, kept));
  });
}

function disksOf(place: Place, repository: Repository): string[] {
  return [place.folder, repository.gitDir];
}

export async function commitTree(
  repository: Repository,
  request: Owner & { readonly startedAt: number },
  tree: Oid,
  parents: readonly Oid[],
): Promise<Oid> {
  const date = `@${Math.floor(request.startedAt / 1000)} +0000`;
  const line = await gitLine(
    { gitDir: repository.gitDir },
    ["commit-tree", tree, ...parents.flatMap((parent) => ["-p", `${parent}^{commit}`]), "-F", "-"],
    {
      input: `orchd: attempt ${request.attempt} of ${request.task}\n`,
      config: durable,
      env: {
        GIT_AUTHOR_NAME: "orchd",
        GIT_AUTHOR_EMAIL: "orchd@localhost",
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: "orchd",
        GIT_COMMITTER_EMAIL: "orchd@localhost",
        GIT_COMMITTER_DATE: date,
      },
    },
  );
  return line as Oid;
}

async function contains(repository: Repository, commit: Oid, ancestor: Oid): Promise<boolean> {
  if (commit === ancestor) return true;
  const { code } = await git(
    { gitDir: repository.gitDir },
    ["merge-base", "--is-ancestor", ancestor, commit],
    { accept: [0, 1] },
  );
  return code === 0;
}

function touchedBy(changes: readonly Change[]): Pick<Saved, "touched" | "touched_total"> {
  const touched: string[] = [];
  let bytes = 0;
  for (const { path } of changes.slice(0, touchedPathsMax)) {
    bytes += path.length;
    if (bytes > touchedBytesMax) break;
    touched.push(path.toString("utf8"));
  }
  return { touched, touched_total: changes.length };
}

function attemptRef(owner: Owner): string {
  return `refs/orchd/attempts/${owner.task}/${owner.attempt}`;
}
