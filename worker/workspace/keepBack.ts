import { mkdir, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SavePolicy } from "../../ipc/configSpec.ts";
import { keptBackShownMax } from "../../ipc/workerMessages.ts";
import type { KeptBack } from "../../ipc/workerMessages.ts";
import { failpoint } from "../../system/failpoint.ts";
import { forgetOldest } from "./embedded.ts";
import type { Owner, Place } from "./place.ts";
import { suspectsAmong } from "./suspects.ts";

/**
 * New files that do not belong in git are moved to `set-aside/<task>.<n>/kept-back`, with their paths,
 * before anything of them is written into the repository: neither lost nor saved.
 */
export async function keepBack(
  place: Place,
  owner: Owner,
  paths: readonly Buffer[],
  policy: SavePolicy,
): Promise<ReadonlySet<string>> {
  const folder = folderOf(place, owner);
  const moved = new Set<string>();
  for (const { bytesPath } of suspectsAmong(place.workTree, paths, policy)) {
    const below = (root: string): Buffer => Buffer.concat([Buffer.from(`${root}/`), bytesPath]);
    const target = below(folder);
    await mkdir(Buffer.from(dirname(target.toString("latin1")), "latin1"), {
      recursive: true,
      mode: 0o700,
    });
    await failpoint("save.keepBack", () => rename(below(place.workTree), target));
    moved.add(bytesPath.toString("latin1"));
  }
  if (moved.size > 0) await forgetOldest(place);
  return moved;
}

/** What was kept back of an attempt, also by a save that was cut short; `null`: nothing. */
export async function keptBackOf(
  place: Place,
  owner: Owner,
  policy: SavePolicy,
): Promise<KeptBack | null> {
  const folder = folderOf(place, owner);
  const options = { recursive: true, withFileTypes: true, encoding: "utf8" } as const;
  const entries = await readdir(folder, options).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  if (files.length === 0) return null;
  const paths = files
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .toSorted();
  const shown = paths.slice(0, keptBackShownMax).map((path) => Buffer.from(path));
  const known = suspectsAmong(folder, shown, policy);
  return {
    folder,
    files: known.map(({ path, why, bytes }) => ({ path, why, bytes })),
    total: paths.length,
  };
}

function folderOf(place: Place, { task, attempt }: Owner): string {
  return join(place.setAside, `${task}.${attempt}`, "kept-back");
}
