import { constants } from "node:fs";
import { chmod, copyFile, lstat, mkdir, readdir, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { git } from "../../system/git.ts";
import { ownGit, writeOwnGit } from "./ownGit.ts";
import { pathGlob } from "./pathGlob.ts";
import type { PathGlob } from "./pathGlob.ts";
import { isInside } from "../../system/paths.ts";
import { WorkspaceError } from "./place.ts";
import type { Base, Place, Repository } from "./place.ts";
import { removeAll } from "../../system/removeAll.ts";
import { failpoint } from "../../system/failpoint.ts";

/** More than this is a mistake in the globs, not a set of local settings. */
const copiedFilesMax = 1_000;
/** Never looked into on the way to a match, unless the glob names them. */
const skippedFolders = new Set([".git", ".aibrain", "node_modules"]);

/**
 * Brings files that git ignores (`.env`) from the person's working tree into the workspace, with
 * their permissions. Only regular files that are ignored there and not tracked at the base: anything
 * else would come back as a change of the attempt. They are excluded by name from every save.
 *
 * Links are not followed on either side: not to read what lies outside the repository, and not to
 * write outside the workspace. Answers what was copied. Throws a `WorkspaceError` or a `GitError`.
 */
export async function copyIgnored(
  place: Place,
  repository: Repository,
  base: Base,
  globs: readonly string[],
): Promise<readonly string[]> {
  if (globs.length === 0) return [];
  const found = new Set<string>();
  for (const glob of globs.map(pathGlob)) await collect(repository.workTree, glob, found);
  const ignored = await ignoredOf(repository, [...found]);
  const tracked = await trackedOf(place, ignored);
  const chosen = ignored.filter((path) => !tracked.has(path));
  await writeOwnGit(place, repository, base, chosen);
  for (const path of chosen) await copyOne(place, repository, path);
  return chosen;
}

async function collect(root: string, glob: PathGlob, found: Set<string>): Promise<void> {
  const parts = glob.prefix.split("/").filter((part) => part !== "");
  for (let i = 1; i < parts.length; i += 1) {
    const above = await lstat(join(root, ...parts.slice(0, i))).catch(() => null);
    if (above?.isDirectory() !== true) return;
  }
  const start = await lstat(join(root, glob.prefix)).catch(() => null);
  if (start?.isFile() === true && glob.matches(glob.prefix)) add(found, glob.prefix);
  if (start?.isDirectory() === true) await walk(root, glob.prefix, glob, glob.depth, found);
}

async function walk(
  root: string,
  folder: string,
  glob: PathGlob,
  depth: number | null,
  found: Set<string>,
): Promise<void> {
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFile() && glob.matches(path)) add(found, path);
    if (!entry.isDirectory() || skippedFolders.has(entry.name) || depth === 0) continue;
    await walk(root, path, glob, depth === null ? null : depth - 1, found);
  }
}

function add(found: Set<string>, path: string): void {
  found.add(path);
  if (found.size > copiedFilesMax)
    throw new WorkspaceError(`workspace.copy matches more than ${copiedFilesMax} files`);
}

/** Asked with the person's configuration, since `.env` may be ignored by their own rules alone. */
async function ignoredOf(repository: Repository, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const { stdout } = await git(
    { gitDir: repository.gitDir, workTree: repository.workTree, configuration: "person" },
    ["check-ignore", "-z", "--stdin"],
    { input: paths.map((path) => `${path}\0`).join(""), accept: [0, 1] },
  );
  return stdout.split("\0").filter((path) => path !== "");
}

async function trackedOf(place: Place, paths: readonly string[]): Promise<ReadonlySet<string>> {
  if (paths.length === 0) return new Set();
  const { stdout } = await ownGit(place, [
    "ls-files",
    "-z",
    "--",
    ...paths.map((path) => `:(literal)${path}`),
  ]);
  return new Set(stdout.split("\0"));
}

async function copyOne(place: Place, repository: Repository, path: string): Promise<void> {
  const source = join(repository.workTree, path);
  const target = join(place.workTree, path);
  const there = await lstat(source).catch(() => null);
  if (there?.isFile() !== true) return;
  await mkdir(dirname(target), { recursive: true });
  if (!isInside(await realpath(dirname(target)), place.workTree))
    throw new WorkspaceError(`workspace.copy: ${path} would be written outside of the workspace`);
  await failpoint("copy.file", async () => {
    await removeAll(target);
    await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(target, there.mode & 0o777);
  });
}
