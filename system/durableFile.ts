import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { folderMode, isUnsyncable, temporaryPath } from "./atomicFile.ts";
import { failpointNow } from "./failpoint.ts";

/**
 * Like `writeDurably` of atomicFile.ts without leaving the event loop: it holds everything up for as
 * long as the disk takes, for half of the CPU time, because each of its system calls is shorter than
 * the way to the thread pool and back. For a process in which nothing else waits meanwhile, as a
 * worker between two attempts; never for the supervisor.
 *
 * Makes the folders above (0700), and syncs `levels` of them: one that was made lately by somebody
 * else is an entry in the one above it that nobody may have synced.
 */
export function writeDurablyNow(
  path: string,
  content: string | Uint8Array,
  { mode, levels }: { readonly mode: number; readonly levels: number },
): void {
  mkdirSync(dirname(path), { recursive: true, mode: folderMode });
  const temporary = temporaryPath(path);
  try {
    withFile(temporary, "wx", mode, (file) => {
      failpointNow("fileNow.write", () => writeFileSync(file, content));
      failpointNow("fileNow.sync", () => fsyncSync(file));
    });
    failpointNow("fileNow.rename", () => renameSync(temporary, path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  let folder = dirname(path);
  for (let level = 0; level < levels; level += 1, folder = dirname(folder)) syncFolder(folder);
}

function syncFolder(path: string): void {
  withFile(path, "r", 0, (folder) => {
    try {
      failpointNow("fileNow.folder", () => fsyncSync(folder));
    } catch (error) {
      if (!isUnsyncable(error)) throw error;
    }
  });
}

function withFile(path: string, flags: string, mode: number, use: (file: number) => void): void {
  const file = openSync(path, flags, mode);
  try {
    use(file);
  } finally {
    closeSync(file);
  }
}
