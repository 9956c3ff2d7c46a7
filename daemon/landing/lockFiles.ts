import { readdir } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { indexFile, lockState, readIntent } from "./followIntent.ts";
import type { LandingSite } from "./branch.ts";
import { clearDeadLocks } from "../../system/refLocks.ts";

/**
 * `*.lock` files that a killed git left in the repository. Those of refs that only orchd writes are
 * removed when their git is gone (system/refLocks.ts); every other may belong to a person's git that is running now, and is only reported.
 */
type LockFiles = {
  /** Absolute paths. */
  readonly removed: readonly string[];
  readonly foreign: readonly string[];
};

export async function clearLocks(site: LandingSite): Promise<LockFiles> {
  const { gitDir } = site.place;
  const found = await lockFiles(gitDir);
  const refs = found.map((path) => relative(gitDir, path).replace(/\.lock$/, ""));
  const removed = await clearDeadLocks(
    gitDir,
    refs.map((ref) => ref.split(sep).join("/")),
  );
  const intent = await readIntent(site);
  const ownIndexLock =
    intent !== null && (await lockState(intent)) === "ours"
      ? join(intent.git_dir, "index.lock")
      : "";
  const foreign = found.filter((path) => !removed.includes(path));
  return { removed, foreign: foreign.filter((path) => path !== ownIndexLock) };
}

/** Where git keeps locks: beside HEAD and index of each working tree, and throughout `refs`. */
async function lockFiles(gitDir: string): Promise<string[]> {
  const linked = await readdir(join(gitDir, "worktrees")).catch(() => []);
  const flat = [gitDir, ...linked.map((name) => join(gitDir, "worktrees", name))];
  const names = await Promise.all([
    ...flat.map((folder) => locksIn(folder, false)),
    locksIn(join(gitDir, "refs"), true),
  ]);
  return names.flat();
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
