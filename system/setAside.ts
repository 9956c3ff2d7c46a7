import { readdir } from "node:fs/promises";

/**
 * What lies in `set-aside/<task>.<n>` beside a workspace (worker/workspace/place.ts):
 *
 *     1, 2, …       `.git` folders of repositories that were embedded in the work; their files are saved
 *     kept-back     new files that do not belong in git, and so are saved nowhere else
 *
 * `set-aside/<task>.<n>.workspace` is a whole workspace that could not be saved. Only of the first kind
 * is it certain that nothing in it is unsaved work.
 */
export async function hasOnlyHistories(folder: string): Promise<boolean> {
  const isWorkspace = folder.endsWith(".workspace");
  const names = await readdir(folder).catch(() => null);
  return !isWorkspace && names !== null && names.every((name) => /^\d+$/.test(name));
}
