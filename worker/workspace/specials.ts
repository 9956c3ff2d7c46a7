import { chmodSync, lstatSync, readdirSync } from "node:fs";
import type { Dirent } from "node:fs";
import { lstat, rm } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { failpoint, failpointNow } from "../../system/failpoint.ts";

/**
 * What git neither saves nor removes, and the next attempt would trip over: FIFOs, sockets and devices
 * (a server cannot listen on a socket that was left), and folders in which the last one may not write.
 * The former are looked for while git checks out the base, and removed afterwards, if they are still
 * none of its files; the latter get their permissions back at once.
 */
const skipped = new Set([".git", "node_modules"]);

/**
 * Below `root`, as bytes. Follows no link; a folder that cannot be read is left out.
 *
 * Not in the thread pool, and names as texts of one character a byte: so 50,000 files take 24 ms of CPU and not 92,
 * which is what a reset waits for. Others get their turn after each `foldersPerTurn`.
 */
export async function findSpecials(
  root: string,
  without: ReadonlySet<string> = skipped,
): Promise<readonly Buffer[]> {
  const found: Buffer[] = [];
  const folders = [Buffer.from(root).toString("latin1")];
  for (const [at, name] of folders.entries()) {
    if (at % foldersPerTurn === foldersPerTurn - 1) await nextTurn();
    const folder = Buffer.from(name, "latin1");
    openFolder(folder);
    for (const entry of entriesOf(folder)) {
      if (entry.isFile() || entry.isSymbolicLink()) continue;
      const path = `${name}/${entry.name}`;
      if (!entry.isDirectory()) found.push(Buffer.from(path, "latin1"));
      else if (!without.has(entry.name)) folders.push(path);
    }
  }
  return found;
}

const foldersPerTurn = 100;

function entriesOf(folder: Buffer): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true, encoding: "latin1" });
  } catch {
    return [];
  }
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
