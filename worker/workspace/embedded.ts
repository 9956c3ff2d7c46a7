import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { hasOnlyHistories } from "../../system/setAside.ts";
import type { Owner, Place } from "./place.ts";
import { removeAll } from "../../system/removeAll.ts";
import { failpoint } from "../../system/failpoint.ts";
import { makeMovable } from "../../system/movable.ts";

/** Set-aside folders kept per worker; the oldest go first. */
const keptMax = 16;

/**
 * Moves the `.git` of embedded repositories to `set-aside/<task>.<n>/<number>`: their files can then
 * be saved as ordinary ones, and their own history stays on disk for whoever misses it. Numbers go on
 * from one attempt of the worker to the next, so they tell what is older; the clock may be set.
 */
export async function setRepositoriesAside(
  place: Place,
  owner: Owner,
  repositories: readonly Buffer[],
): Promise<void> {
  if (repositories.length === 0) return;
  const folder = join(place.setAside, `${owner.task}.${owner.attempt}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let number = Math.max(...(await setAsideFolders(place)).map(({ newest }) => newest));
  for (const path of repositories) {
    number += 1;
    const inside = Buffer.concat([Buffer.from(`${place.workTree}/`), path, Buffer.from("/.git")]);
    const target = join(folder, `${number}`);
    await makeMovable(inside);
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
  const folders = await setAsideFolders(place);
  if (folders.length <= keptMax) return;
  const histories: typeof folders = [];
  for (const folder of folders) if (await hasOnlyHistories(folder.path)) histories.push(folder);
  histories.sort((a, b) => b.newest - a.newest);
  for (const { path } of histories.slice(keptMax))
    await failpoint("embedded.forget", () => removeAll(path));
}

type SetAside = {
  readonly path: string;
  /** The highest number in it, or 0. */ readonly newest: number;
};

async function setAsideFolders({ setAside }: Place): Promise<SetAside[]> {
  const paths = (await readdir(setAside)).map((name) => join(setAside, name));
  return await Promise.all(paths.map(async (path) => ({ path, newest: await newestIn(path) })));
}

async function newestIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  return Math.max(0, ...names.filter((name) => /^\d{1,9}$/.test(name)).map(Number));
}
