import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Shortage } from "../ipc/shortage.ts";

/**
 * The first of these folders whose disk has less free than `neededBytes`, for a user without
 * privileges; `null`: none. A folder that is not there yet will lie on the disk of the one above it. A file
 * system that does not tell its size (statfs(2): no blocks at all) is never short. Not in the thread pool: it
 * takes a microsecond, and the way there twenty.
 */
export function findShortage(folders: readonly string[], neededBytes: number): Shortage | null {
  if (neededBytes === 0) return null;
  for (const folder of folders) {
    const free_bytes = freeBytes(folder);
    if (free_bytes !== null && free_bytes < neededBytes)
      return { folder, free_bytes, needed_bytes: neededBytes };
  }
  return null;
}

/** `null`: nobody can tell. */
export function freeBytes(folder: string): number | null {
  try {
    const { blocks, bavail, bsize } = statfsSync(folder);
    return blocks === 0 ? null : bavail * bsize;
  } catch (error) {
    const above = dirname(folder);
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return isMissing && above !== folder ? freeBytes(above) : null;
  }
}
