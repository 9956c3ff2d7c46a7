import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { agentObjects, alternatesOf } from "./ownGit.ts";
import { isRealFolder } from "./place.ts";
import type { Place, Repository } from "./place.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * Makes the agent's `.git/objects` safe to read for a git of ours: files in real folders, which borrow from
 * the repository and from nobody else. At a FIFO git would wait for ever, and a link or `alternates` could
 * lead it to one anywhere. False: there is no such folder, or a link in its place.
 */
export async function settleAgentObjects(place: Place, repository: Repository): Promise<boolean> {
  const objects = agentObjects(place.workTree);
  if (!(await isRealFolder(objects))) return false;
  await failpoint("save.objects", async () => {
    await removeOdd(objects, levelsOfGit);
    const alternates = join(objects, "info/alternates");
    await rm(alternates, { recursive: true, force: true });
    await mkdir(join(objects, "info"), { recursive: true });
    await writeFile(alternates, alternatesOf(repository), { flag: "wx" });
  });
  return true;
}

/** Below `objects`: `ab/cd…`, `pack/*`, `info/commit-graphs/*`. */
const levelsOfGit = 2;

async function removeOdd(folder: string, levels: number): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (levels > 0) await removeOdd(path, levels - 1);
    } else if (!entry.isFile() || isFolderOfGit(entry.name)) await rm(path, { force: true });
  }
}

/** A file in its place. */
function isFolderOfGit(name: string): boolean {
  return name === "info" || name === "pack";
}
