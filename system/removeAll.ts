import { chmod, lstat, readdir, rename, rm } from "node:fs/promises";
import { failpoint } from "./failpoint.ts";

/** A path longer than 4,096 bytes cannot be named to the kernel; folders are moved up long before. */
const deepBytes = 2_000;
const removal = { recursive: true, force: true, maxRetries: 3, retryDelay: 20 } as const;

/**
 * Removes whatever is there, also below folders whose permissions an agent took away, or that are
 * nested deeper than a path can say. Follows no link.
 */
export async function removeAll(path: string): Promise<void> {
  try {
    await rm(path, removal);
  } catch {
    await removeStubborn(path);
  }
}

/** What lies too deep is moved beside `path` first, piece by piece: `<path>.deep.1`, `.2`, … */
async function removeStubborn(path: string): Promise<void> {
  const pieces = [Buffer.from(path)];
  for (const piece of pieces)
    await openUp(piece, async (folder) => {
      const raised = Buffer.from(`${path}.deep.${pieces.length}`);
      await rm(raised, removal);
      await failpoint("remove.raise", () => rename(folder, raised));
      pieces.push(raised);
    });
  for (const piece of pieces.toReversed()) await rm(piece, removal);
}

/**
 * Gives the owner back read and write permission on everything below `path`, and removes what git
 * cannot keep anyway (FIFOs, sockets, devices), so that a save that failed can succeed.
 */
export async function makeReadable(path: string): Promise<void> {
  await openUp(Buffer.from(path), async () => {});
}

/** Paths are bytes: a name that is not UTF-8 would not survive as a string. */
async function openUp(path: Buffer, onDeep: (folder: Buffer) => Promise<void>): Promise<void> {
  const there = await lstat(path).catch(() => null);
  if (there === null || there.isSymbolicLink()) return;
  if (there.isDirectory()) {
    if ((there.mode & 0o700) !== 0o700) await chmod(path, (there.mode & 0o777) | 0o700);
    if (path.length > deepBytes) return await onDeep(path);
    for (const name of await readdir(path, { encoding: "buffer" }))
      await openUp(Buffer.concat([path, slash, name]), onDeep);
  } else if (there.isFile()) {
    if ((there.mode & 0o600) !== 0o600) await chmod(path, (there.mode & 0o777) | 0o600);
  } else {
    await rm(path, { force: true });
  }
}

const slash = Buffer.from("/");
