import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { hasOnlyHistories } from "../../system/setAside.ts";
import type { Owner, Place } from "./place.ts";
import { removeAll } from "../../system/removeAll.ts";
import { failpoint } from "../../system/failpoint.ts";

/** Set-aside folders kept per worker; the oldest go first. */
const keptMax = 16;

/**
 * Moves the `.git` of embedded repositories to `set-aside/<task>.<n>/<number>`: their files can then
 * be saved as ordinary ones, and their own history stays on disk for whoever misses it.
 */
export async function setRepositoriesAside(
  place: Place,
  owner: Owner,
  repositories: readonly Buffer[],
): Promise<void> {
  if (repositories.length === 0) return;
  const folder = join(place.setAside, `${owner.task}.${owner.attempt}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let number = (await readdir(folder)).length;
  for (const path of repositories) {
    number += 1;
    const inside = Buffer.concat([Buffer.from(`${place.workTree}/`), path, Buffer.from("/.git")]);
    const target = join(folder, `${number}`);
    await failpoint("embedded.aside", () => rename(inside, target));
  }
  await forgetOldest(place);
}

/**
 * At most so many attempts have the histories of embedded repositories set aside, whose files are saved;
 * the oldest go. What could not be saved is not among them: a workspace, files that were kept back. That
 * the supervisor removes, by age alone (daemon/pool/leftFolders.ts).
 */
async function forgetOldest(place: Place): Promise<void> {
  const names = await readdir(place.setAside);
  if (names.length <= keptMax) return;
  const aged: { readonly path: string; readonly at: number }[] = [];
  for (const path of names.map((name) => join(place.setAside, name)))
    if (await hasOnlyHistories(path)) aged.push({ path, at: (await stat(path)).mtimeMs });
  aged.sort((a, b) => b.at - a.at);
  for (const { path } of aged.slice(keptMax))
    await failpoint("embedded.forget", () => removeAll(path));
}
