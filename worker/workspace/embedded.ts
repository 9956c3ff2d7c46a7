import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { ownGit } from "./ownGit.ts";
import type { Owner, Place } from "./place.ts";
import { removeAll } from "./remove.ts";
import { failpoint } from "../../system/failpoint.ts";

/** Set-aside folders kept per worker; the oldest go first. */
const keptMax = 16;

/**
 * Folders of the workspace that are repositories themselves, outermost first, as bytes; not ignored
 * ones. `known` are added: one that took the place of a tracked file is not listed by git.
 */
export async function embeddedRepositories(
  place: Place,
  known: readonly Buffer[],
): Promise<readonly Buffer[]> {
  const { stdout } = await ownGit(place, ["ls-files", "--others", "--exclude-standard", "-z"], {
    bytes: true,
  });
  // git lists the files of a folder one by one, but an embedded repository as `folder/`.
  const listed = stdout.split("\0").filter((path) => path.endsWith("/"));
  const names = new Set([
    ...known.map((path) => path.toString("latin1")),
    ...listed.map((path) => path.slice(0, -1)),
  ]);
  return [...names].map((name) => Buffer.from(name, "latin1"));
}

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

async function forgetOldest(place: Place): Promise<void> {
  const names = await readdir(place.setAside);
  if (names.length <= keptMax) return;
  const aged = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(place.setAside, name))).mtimeMs })),
  );
  aged.sort((a, b) => a.at - b.at);
  for (const { name } of aged.slice(0, names.length - keptMax))
    await failpoint("embedded.forget", () => removeAll(join(place.setAside, name)));
}
