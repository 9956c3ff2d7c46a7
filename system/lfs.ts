import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

const attributesBytesMax = 1024 * 1024;

/** Whether a file of attributes gives paths to Git LFS; one that is no plain file, or not there, does not, as for git. */
export function namesLfs(path: string): boolean {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let file: number;
  try {
    file = openSync(path, flags);
  } catch {
    return false;
  }
  try {
    const there = fstatSync(file);
    if (!there.isFile() || there.size > attributesBytesMax) return false;
    return readFileSync(file, "utf8").includes("filter=lfs");
  } finally {
    closeSync(file);
  }
}
