import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import { failpoint } from "./failpoint.ts";
import { GitError } from "./git.ts";
import { doesAnybodyRun, ownGitProcesses } from "./gitProcesses.ts";
import { hasProc } from "./processTable.ts";

/**
 * git takes `<ref>.lock` while it moves a ref. One that is killed at that moment leaves it, and from
 * then on every git refuses to move that ref. Locks of refs that only orchd writes are taken away
 * here, when no git is alive that may hold them:
 *
 *     update-ref <ref>        of ours, with that ref among its arguments: a worker's
 *     update-ref --stdin      of ours: the writer's. It moves what the writer owns; a worker's refs
 *                             it only removes, long after the attempt
 *     pack-refs               anybody's on this repository: it takes the lock of every ref in turn
 *
 * A lock that was there before that look, and is the same file after it, has no owner. Where nobody can
 * look at processes (macOS), they go at a start only.
 */
const workersRefs = /^refs\/orchd\/(?:attempts|bases|generated|live|strays)\//;
const ourRefs = /^refs\/(?:orchd|heads\/orchd)\//;
const packing = /^(?:gc|maintenance|pack-refs)$/;

/** `refs`: full names; those that are not ours are passed over. Returns the paths that it removed. */
export async function clearDeadLocks(gitDir: string, refs: readonly string[]): Promise<string[]> {
  const ours = refs.filter((ref) => ourRefs.test(ref));
  const locks = await Promise.all(ours.map(async (ref) => await lockOf(gitDir, ref)));
  const found = locks.filter((lock) => lock !== null);
  if (found.length === 0 || doesAnybodyRun(packing, gitDir)) return [];
  const moving = ownGitProcesses(gitDir).filter(({ words }) => words.includes("update-ref"));
  const isHeld = (ref: string): boolean =>
    moving.some(
      ({ words }) => words.includes(ref) || (words.includes("--stdin") && !workersRefs.test(ref)),
    );
  const removed: string[] = [];
  for (const { ref, path, file } of found)
    if (!isHeld(ref) && (await fileAt(path)) === file) {
      await failpoint("locks.clear", () => rm(path, { force: true }));
      removed.push(path);
    }
  return removed;
}

/** Runs `move`, and once more if all that stood in its way were locks of gits that are gone. */
export async function pastDeadLocks<Value>(
  gitDir: string,
  refs: readonly string[],
  move: () => Promise<Value>,
  seesProcesses = hasProc,
): Promise<Value> {
  try {
    return await move();
  } catch (error) {
    if (!seesProcesses) throw error;
    const removed = error instanceof GitError ? await clearDeadLocks(gitDir, refs) : [];
    if (removed.length === 0 || !isLocked(error)) throw error;
    return await move();
  }
}

/** Nothing was moved: git takes all locks before it moves the first ref. */
function isLocked(error: unknown): boolean {
  return error instanceof GitError && /\.lock': File exists/.test(error.result.stderr);
}

async function lockOf(gitDir: string, ref: string) {
  const path = join(gitDir, `${ref}.lock`);
  const file = await fileAt(path);
  return file === null ? null : { ref, path, file };
}

/** Which file it is: an inode is soon given to another, with another time. */
async function fileAt(path: string): Promise<string | null> {
  return await lstat(path, { bigint: true }).then(
    (found) => (found.isFile() ? `${found.ino} ${found.ctimeNs}` : null),
    () => null,
  );
}
