import { access } from "node:fs/promises";
import { git } from "../../system/git.ts";
import { resolutionBranch } from "../../ipc/taskViews.ts";
import type { TaskId } from "../../ipc/ids.ts";
import { linkedWorkTrees } from "./checkouts.ts";
import type { LandingSite } from "./branch.ts";

/** Where a person can resolve parked work: a branch and a folder, neither of which is there. */
export type Room = {
  readonly branch: string;
  /** Absolute, beside the main working tree. */
  readonly worktree: string;
  /** The newest branch of an earlier time; `null`: there is none. */
  readonly earlier: string | null;
};

/** More than anybody would leave lying about. */
const roomsMax = 100;

/**
 * `resolve/<task>` in `<repository>-resolve-<task>`, or with `+2`, `+3` … where those are taken by an
 * earlier resolution, which may be anything by now: what somebody still edits, or what was red. No id of
 * a task has a plus. Throws a `GitError`.
 */
export async function roomFor(site: LandingSite, task: TaskId): Promise<Room> {
  const first = { branch: resolutionBranch(task), worktree: `${site.workTree}-resolve-${task}` };
  const args = ["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/resolve/"];
  const branches = new Set((await git(site.place, args)).stdout.split("\n"));
  const folders = new Set(linkedWorkTrees(site));
  let earlier: string | null = null;
  for (let number = 1; number <= roomsMax; number += 1) {
    const more = number === 1 ? "" : `+${number}`;
    const [branch, worktree] = [`${first.branch}${more}`, `${first.worktree}${more}`];
    if (branches.has(branch)) earlier = branch;
    else if (!folders.has(worktree) && !(await isThere(worktree)))
      return { branch, worktree, earlier };
  }
  return { ...first, earlier };
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
