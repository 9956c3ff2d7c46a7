import { lstat, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { failpoint } from "../../system/failpoint.ts";
import { ownGit } from "./ownGit.ts";
import type { Place } from "./place.ts";
import { removeAll } from "../../system/removeAll.ts";
import { gitlinkMode } from "./snapshot.ts";

/**
 * Submodules are empty folders in a workspace; a task that needs one says `git submodule update
 * --init` itself. What an attempt brought into one goes before the next: git cleans no folder that
 * the index calls a submodule.
 */
export async function emptySubmodules(place: Place): Promise<void> {
  if ((await lstat(join(place.workTree, ".gitmodules")).catch(() => null)) === null) return;
  const { stdout } = await ownGit(place, ["ls-files", "--stage", "-z"]);
  for (const entry of stdout.split("\0").filter((line) => line.startsWith(gitlinkMode))) {
    const path = join(place.workTree, entry.slice(entry.indexOf("\t") + 1));
    const names = await readdir(path).catch(() => []);
    if (names.length === 0) continue;
    await failpoint("reset.submodule", () => removeAll(path));
    await mkdir(path, { recursive: true });
  }
}
