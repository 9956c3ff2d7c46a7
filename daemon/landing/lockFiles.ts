import { lstat, readdir, rm } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { indexFile, lockState, readIntent } from "./followIntent.ts";
import { writerProcesses } from "./leftovers.ts";
import type { LandingSite } from "./branch.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * `*.lock` files that a killed git left in the repository. Those of refs that only orchd writes are
 * removed; every other may belong to a person's git that is running now, and is only reported.
 */
type LockFiles = {
  /** Absolute paths. */
  readonly removed: readonly string[];
  readonly foreign: readonly string[];
};

const ourFolders = [join("refs", "heads", "orchd"), join("refs", "orchd")];

export async function clearLocks(site: LandingSite): Promise<LockFiles> {
  const { gitDir } = site.place;
  const found = await lockFiles(gitDir);
  const ours = found.filter(({ path }) => isOurs(relative(gitDir, path)));
  // A worker may be pinning its work at this moment. A lock seen before this look, with no git of ours
  // alive at it, has no owner; should its name be taken again, the new file has another inode.
  const busy = ours.length > 0 && writerProcesses(gitDir).living;
  const removed: string[] = [];
  for (const { path, inode } of busy ? [] : ours)
    if ((await inodeOf(path)) === inode) {
      await failpoint("locks.clear", () => rm(path, { force: true }));
      removed.push(path);
    }
  const intent = await readIntent(site);
  const ownIndexLock =
    intent !== null && (await lockState(intent)) === "ours"
      ? join(intent.git_dir, "index.lock")
      : "";
  const foreign = found.map(({ path }) => path).filter((path) => !removed.includes(path));
  return { removed, foreign: foreign.filter((path) => path !== ownIndexLock) };
}

function isOurs(path: string): boolean {
  return ourFolders.some((folder) => path.startsWith(folder + sep));
}

type LockFile = { readonly path: string; readonly inode: bigint };

/** Where git keeps locks: beside HEAD and index of each working tree, and throughout `refs`. */
async function lockFiles(gitDir: string): Promise<LockFile[]> {
  const linked = await readdir(join(gitDir, "worktrees")).catch(() => []);
  const flat = [gitDir, ...linked.map((name) => join(gitDir, "worktrees", name))];
  const names = await Promise.all([
    ...flat.map((folder) => locksIn(folder, false)),
    locksIn(join(gitDir, "refs"), true),
  ]);
  const files = await Promise.all(
    names.flat().map(async (path) => ({ path, inode: await inodeOf(path) })),
  );
  return files.flatMap(({ path, inode }) => (inode === null ? [] : [{ path, inode }]));
}

async function locksIn(folder: string, recursive: boolean): Promise<string[]> {
  const entries = await readdir(folder, { recursive, withFileTypes: true }).catch(() => []);
  return (
    entries
      .filter((entry) => entry.isFile() && entry.name.endsWith(".lock"))
      .map((entry) => join(entry.parentPath, entry.name))
      // On our own copy of an index; the next follow removes it.
      .filter((path) => path !== `${indexFile(dirname(path))}.lock`)
  );
}

async function inodeOf(path: string): Promise<bigint | null> {
  return await lstat(path, { bigint: true }).then(
    ({ ino }) => ino,
    () => null,
  );
}
