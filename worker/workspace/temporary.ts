import { lstatSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import type { Place } from "./place.ts";
import { removeAll } from "../../system/removeAll.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * TMPDIR of the attempts. Most programs leave nothing in it, and then the folder stays for the next:
 * a folder made and removed for each would slow down everything else that makes a file. (ext4 does
 * not give out the number of a file again that was removed in the last half minute, and looks
 * through all of those each time: `recently_deleted` took a tenth of a worker's time.)
 */
export async function freshTemporary({ temporary }: Place): Promise<void> {
  if (isEmptyFolder(temporary)) return;
  await failpoint("temporary.clear", () => removeAll(temporary));
  await mkdir(temporary, { recursive: true, mode: 0o700 });
}

/** After an attempt: nothing of it stays. */
export async function clearTemporary({ temporary }: Place): Promise<void> {
  if (!isEmptyFolder(temporary)) await failpoint("temporary.after", () => removeAll(temporary));
}

/** A real one that can be used: an agent may have put a link there, or taken the permissions away. */
function isEmptyFolder(path: string): boolean {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry?.isDirectory() !== true || (entry.mode & 0o777) !== 0o700) return false;
  return readdirSync(path).length === 0;
}
