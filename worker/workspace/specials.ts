import { chmodSync, lstatSync } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { failpoint, failpointNow } from "../../system/failpoint.ts";

/**
 * What git neither saves nor removes, and the next attempt would trip over: FIFOs, sockets and devices
 * (a server cannot listen on a socket that was left), and folders in which the last one may not write.
 * The former are looked for while git checks out the base, and removed afterwards, if they are still
 * none of its files; the latter get their permissions back at once.
 */
const skipped = new Set([".git", "node_modules"]);

/** Below `root`, as bytes. Follows no link; a folder that cannot be read is left out. */
export async function findSpecials(
  root: string,
  without: ReadonlySet<string> = skipped,
): Promise<readonly Buffer[]> {
  const found: Buffer[] = [];
  const folders = [Buffer.from(root)];
  for (const folder of folders) {
    openFolder(folder);
    const options = { withFileTypes: true, encoding: "buffer" } as const;
    for (const entry of await readdir(folder, options).catch(() => [])) {
      if (entry.isFile() || entry.isSymbolicLink()) continue;
      const path = Buffer.concat([folder, slash, entry.name]);
      if (!entry.isDirectory()) found.push(path);
      else if (!without.has(entry.name.toString("latin1"))) folders.push(path);
    }
  }
  return found;
}

/** Not in the thread pool: it takes two microseconds, and there are thousands of them. */
function openFolder(path: Buffer): void {
  try {
    const { mode } = lstatSync(path);
    if ((mode & 0o700) !== 0o700)
      failpointNow("reset.permissions", () => chmodSync(path, (mode & 0o777) | 0o700));
  } catch {
    // Gone, or nested too deep to be named: the checkout beside it says so.
  }
}

/** Those that are still none of git's files. Folders that held nothing else are left to be cleaned. */
export async function removeSpecials(found: readonly Buffer[]): Promise<void> {
  for (const path of found) {
    const there = await lstat(path).catch(() => null);
    if (there === null || there.isFile() || there.isDirectory() || there.isSymbolicLink()) continue;
    await failpoint("reset.special", () => rm(path, { force: true }));
  }
}

const slash = Buffer.from("/");
