import { chmod, lstat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Gives the owner the permissions that `rename` to another folder takes: to write to the folder that
 * `path` is in, and to `path` itself where it is one, since what is above it stands in it. Agents leave
 * read-only folders (`chmod -R a-w`, the module cache of Go). Root is asked for neither.
 */
export async function makeMovable(path: Buffer | string): Promise<void> {
  const bytes = Buffer.from(path);
  await makeWritable(Buffer.from(dirname(bytes.toString("latin1")), "latin1"));
  await makeWritable(bytes);
}

/** Of a real folder; anything else needs none. */
async function makeWritable(path: Buffer): Promise<void> {
  const there = await lstat(path).catch(() => null);
  if (there?.isDirectory() === true && (there.mode & 0o700) !== 0o700)
    await chmod(path, (there.mode & 0o777) | 0o700);
}
