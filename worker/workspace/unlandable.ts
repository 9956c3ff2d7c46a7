import { lstat, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Saved } from "../../ipc/workerMessages.ts";
import { git } from "../../system/git.ts";
import { namesLfs } from "../../system/lfs.ts";
import { ownGit } from "./ownGit.ts";
import type { Place, Repository } from "./place.ts";
import { changedPaths, gitlinkMode } from "./snapshot.ts";
import type { Change } from "./snapshot.ts";

/**
 * Changes that git takes and that would break the person's checkout, because what they name is not in
 * the repository:
 *
 *     a submodule moved to a commit that only the workspace has
 *     a submodule that was added: its files were saved as ordinary ones
 *     a file that belongs to Git LFS, changed: its content is there instead of a pointer
 *
 * Looked for only where there are submodules, or where a file of attributes that counts for what changed (of its folder
 * or one above, or the repository's own `info/attributes`) speaks of LFS. Answers why the work cannot land, `null`: it can.
 */
export async function unlandable(
  place: Place,
  repository: Repository,
  saved: Saved,
): Promise<string | null> {
  const submodules = await exists(join(place.workTree, ".gitmodules"));
  const large = maySpeakOfLfs(place, repository, saved);
  if (!submodules && !large) return null;
  const changes = await changedPaths(repository, saved.base, saved.commit);
  return (
    (submodules ? await strangeSubmodule(place, repository, saved, changes) : null) ??
    (large ? await largeWithoutPointer(place, repository, changes) : null)
  );
}

/** Where not all that changed is known by its name, git has to be asked. */
function maySpeakOfLfs(place: Place, { gitDir }: Repository, saved: Saved): boolean {
  const { touched, touched_total } = saved;
  if (touched_total > touched.length) return true;
  if (touched.some((path) => path.includes("\ufffd"))) return true;
  const folders = new Set([""]);
  for (const path of touched)
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const folder = path.slice(0, at);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  const files = [...folders].map((folder) => join(place.workTree, folder, ".gitattributes"));
  return [...files, join(gitDir, "info/attributes")].some(namesLfs);
}

async function strangeSubmodule(
  place: Place,
  repository: Repository,
  saved: Saved,
  changes: readonly Change[],
): Promise<string | null> {
  for (const { newMode, newOid, path } of changes) {
    if (newMode !== gitlinkMode) continue;
    const name = path.toString("utf8");
    if (await personHas(repository, name, newOid)) continue;
    return `it moves the submodule ${name} to ${newOid.slice(0, 12)}, a commit that your own checkout of it does not have; fetch it there and retry`;
  }
  if (!changes.some(({ path }) => path.toString("utf8") === ".gitmodules")) return null;
  for (const name of await submodulePaths(place)) {
    const { stdout } = await git({ gitDir: repository.gitDir }, ["ls-tree", saved.commit, name]);
    if (!stdout.startsWith(gitlinkMode))
      return `it adds the submodule ${name}, and its files as ordinary ones; add a submodule yourself, with git submodule add`;
  }
  return null;
}

/** `.git` of a submodule is a file that names its git directory; git started elsewhere follows it. */
async function personHas(repository: Repository, name: string, oid: string): Promise<boolean> {
  const folder = join(repository.workTree, name);
  const text = await readFile(join(folder, ".git"), "utf8").catch(() => "");
  const named = /^gitdir: (.+)$/m.exec(text)?.[1];
  const gitDir = named === undefined ? join(folder, ".git") : resolve(folder, named);
  if (!(await exists(gitDir))) return false;
  const args = ["cat-file", "-e", `${oid}^{commit}`];
  return (await git({ gitDir }, args, { accept: [0, 1, 128] })).code === 0;
}

async function submodulePaths(place: Place): Promise<readonly string[]> {
  const { stdout } = await ownGit(
    place,
    ["config", "-z", "--file", ".gitmodules", "--get-regexp", "^submodule\\..*\\.path$"],
    { accept: [0, 1, 3, 128] },
  );
  return stdout.split("\0").flatMap((entry) => {
    const at = entry.indexOf("\n");
    return at === -1 ? [] : [entry.slice(at + 1)];
  });
}

const pointerStart = "version https://git-lfs.github.com/spec/";
const pointerBytesMax = 1024;

async function largeWithoutPointer(
  place: Place,
  repository: Repository,
  changes: readonly Change[],
): Promise<string | null> {
  const files = changes.filter(({ newMode }) => newMode.startsWith("100"));
  if (files.length === 0) return null;
  const input = Buffer.concat(files.flatMap(({ path }) => [path, Buffer.of(0)]));
  // The files and the index of the workspace, and the repository's own attributes, which own.git does not have.
  const { gitDir } = repository;
  const where = { gitDir, workTree: place.workTree, indexFile: join(place.ownGit, "index") };
  const asked = await git(where, ["check-attr", "-z", "--stdin", "filter"], { input, bytes: true });
  // Three fields for each path: the path, `filter`, its value.
  const values = asked.stdout.split("\0").filter((_, at) => at % 3 === 2);
  for (const [at, { path, newOid }] of files.entries()) {
    if (values[at] !== "lfs") continue;
    const objects = { gitDir: repository.gitDir };
    const size = Number((await git(objects, ["cat-file", "-s", newOid])).stdout);
    const isPointer =
      size <= pointerBytesMax &&
      (await git(objects, ["cat-file", "blob", newOid])).stdout.startsWith(pointerStart);
    if (!isPointer)
      return `it changes ${path.toString("utf8")}, which belongs to Git LFS, without storing it there; workspaces have the pointers of such files alone`;
  }
  return null;
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}
