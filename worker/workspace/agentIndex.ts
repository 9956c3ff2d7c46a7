import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Oid } from "../../ipc/ids.ts";
import { git, GitError } from "../../system/git.ts";
import type { Place } from "./place.ts";

/** Of an index: some 600,000 files. */
const indexBytesMax = 64 * 1024 * 1024;
const gitMsMax = 60_000;

/**
 * Files that the index an agent left has not as the saved commit has them, conflicts that are open there
 * among them; git's bytes, one character a byte. `null`: there is no index that can be read.
 *
 * It is read by a git of our own, which takes no configuration from beside it (agentRefs.ts says why).
 */
export async function unlikeIndex(place: Place, saved: Oid): Promise<ReadonlySet<string> | null> {
  const agentGit = join(place.workTree, ".git");
  const indexFile = join(agentGit, "index");
  if (!(await isReadable(agentGit, indexFile))) return null;
  const args = ["diff-index", "--cached", "-z", "--name-only", "--no-renames", saved, "--"];
  try {
    const options = { bytes: true, timeoutMs: gitMsMax };
    const { stdout } = await git({ gitDir: place.ownGit, indexFile }, args, options);
    return new Set(stdout.split("\0").filter(Boolean));
  } catch (error) {
    // Damaged, or parted into files that are elsewhere.
    if (error instanceof GitError) return null;
    throw error;
  }
}

async function isReadable(folder: string, file: string): Promise<boolean> {
  const [there, index] = await Promise.all([folder, file].map(found));
  if (there?.isDirectory() !== true || index?.isFile() !== true) return false;
  return index.size <= indexBytesMax;
}

async function found(path: string) {
  return await lstat(path).catch(() => null);
}
