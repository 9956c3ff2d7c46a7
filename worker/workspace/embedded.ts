import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Owner, Place } from "./place.ts";
import { removeAll } from "./remove.ts";
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

/** At most so many attempts have something set aside; the oldest go. */
export async function forgetOldest(place: Place): Promise<void> {
  const names = await readdir(place.setAside);
  if (names.length <= keptMax) return;
  const aged = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(place.setAside, name))).mtimeMs })),
  );
  aged.sort((a, b) => a.at - b.at);
  for (const { name } of aged.slice(0, names.length - keptMax))
    await failpoint("embedded.forget", () => removeAll(join(place.setAside, name)));
}
