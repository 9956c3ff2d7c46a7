import { chmod, lstat, readdir, rm } from "node:fs/promises";

/** Removes whatever is there, also below folders whose permissions an agent took away. Follows no link. */
export async function removeAll(path: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3, retryDelay: 20 } as const;
  try {
    await rm(path, options);
  } catch {
    await makeReadable(path);
    await rm(path, options);
  }
}

/**
 * Gives the owner back read and write permission on everything below `path`, and removes what git
 * cannot keep anyway (FIFOs, sockets, devices), so that a save or a removal that failed can succeed.
 */
export async function makeReadable(path: string): Promise<void> {
  await makeEntryReadable(Buffer.from(path));
}

/** Paths are bytes: a name that is not UTF-8 would not survive as a string. */
async function makeEntryReadable(path: Buffer): Promise<void> {
  const there = await lstat(path).catch(() => null);
  if (there === null || there.isSymbolicLink()) return;
  if (there.isDirectory()) {
    if ((there.mode & 0o700) !== 0o700) await chmod(path, (there.mode & 0o777) | 0o700);
    for (const name of await readdir(path, { encoding: "buffer" }))
      await makeEntryReadable(Buffer.concat([path, slash, name]));
  } else if (there.isFile()) {
    if ((there.mode & 0o600) !== 0o600) await chmod(path, (there.mode & 0o777) | 0o600);
  } else {
    await rm(path, { force: true });
  }
}

const slash = Buffer.from("/");
