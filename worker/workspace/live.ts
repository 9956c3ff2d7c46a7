import { constants } from "node:fs";
import { copyFile, lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { isOid } from "../../ipc/ids.ts";
import type { SavePolicy } from "../../ipc/configSpec.ts";
import type { Oid } from "../../ipc/ids.ts";
import { failpoint } from "../../system/failpoint.ts";
import { git } from "../../system/git.ts";
import type { GitOptions } from "../../system/git.ts";
import { pastDeadLocks } from "../../system/refLocks.ts";
import type { Finished } from "../../system/spawn.ts";
import type { Base, Owner, Place, Repository } from "./place.ts";
import { suspectsAmong } from "./suspects.ts";

/**
 * What the files of a workspace are at this moment, as a commit on the base, while the program works:
 *
 *     own.git/index ──copied once──► live.index ──add, write-tree──► tree ──commit-tree──► refs/orchd/live/<task>
 *
 * It is for looking ahead only. Nothing relies on it and nothing lands from it, so it is not synced,
 * large new files are left out, and a git that meets a file in the middle of being written may fail.
 */
export type Live = { readonly tree: Oid; readonly commit: Oid };

/** New files that are larger say little about conflicts and cost much. */
const newFileBytesMax = 1024 * 1024;
const newFilesMax = 1_000;
/** Of an index: some 300,000 files. Looking at more costs more than it tells. */
const indexBytesMax = 32 * 1024 * 1024;
const gitMsMax = 20_000;

/** Begins anew for an attempt; false: the workspace is too large to be looked at again and again. */
export async function beginLive(place: Place): Promise<boolean> {
  const index = join(place.ownGit, "index");
  const { size } = await stat(index);
  if (size > indexBytesMax) return false;
  await failpoint("live.begin", () =>
    copyFile(index, liveIndex(place), constants.COPYFILE_FICLONE),
  );
  return true;
}

type LiveRequest = Owner & {
  readonly base: Base;
  readonly before: Live | null;
  readonly policy: SavePolicy;
};

/** `null`: nothing has changed since `before` (the base, when there was none). Throws a `GitError`. */
export async function saveLive(
  place: Place,
  repository: Repository,
  { task, attempt, base, before, policy }: LiveRequest,
): Promise<Live | null> {
  return await failpoint("live.save", async () => {
    const run = (args: readonly string[], more: GitOptions = {}) =>
      liveGit(place, repository, args, more);
    await run(["add", "--update"]);
    const fresh = await newFiles(place, policy, run);
    if (fresh.length > 0)
      await run(["update-index", "--add", "-z", "--stdin"], {
        input: Buffer.from(fresh.map((path) => `${path}\0`).join(""), "latin1"),
      });
    const tree = asOid((await run(["write-tree"])).stdout);
    if (tree === (before?.tree ?? base.tree)) return null;
    const message = ["-m", `orchd: attempt ${attempt} of ${task}, while it runs`];
    const made = await run(["commit-tree", tree, "-p", base.commit, ...message], { env: nobody });
    const commit = asOid(made.stdout);
    const { gitDir } = repository;
    await moveLive(gitDir, task, ["update-ref", liveRef(task), commit]);
    return { tree, commit };
  });
}

/** The attempt no longer runs. What a worker that was killed leaves is swept by the supervisor. */
export async function endLive({ gitDir }: Repository, task: string): Promise<void> {
  await failpoint("live.end", () => moveLive(gitDir, task, ["update-ref", "-d", liveRef(task)]));
}

async function moveLive(gitDir: string, task: string, args: readonly string[]): Promise<void> {
  await pastDeadLocks(gitDir, [liveRef(task)], async () => {
    await git({ gitDir }, args);
  });
}

type Run = (args: readonly string[]) => Promise<Finished>;

/** Of reasonable size and number, and none that a save would keep back; git's bytes, one character a byte. */
async function newFiles(place: Place, policy: SavePolicy, run: Run): Promise<string[]> {
  const { stdout } = await run(["ls-files", "--others", "--exclude-standard", "-z"]);
  const names = stdout.split("\0").filter((name) => name !== "" && !name.endsWith("/"));
  if (names.length > newFilesMax) return [];
  const root = Buffer.from(`${place.workTree}/`);
  const paths = names.map((name) => Buffer.from(name, "latin1"));
  const suspects = suspectsAmong(place.workTree, paths, policy);
  const keptBack = new Set(suspects.map(({ bytesPath }) => bytesPath));
  const fit = await Promise.all(
    paths.map(async (path) => {
      const found = await lstat(Buffer.concat([root, path])).catch(() => null);
      return found?.isFile() === true && found.size <= newFileBytesMax && !keptBack.has(path);
    }),
  );
  return names.filter((_, at) => fit[at]);
}

/** Into the repository, where the supervisor's git finds it. */
async function liveGit(
  place: Place,
  { gitDir }: Repository,
  args: readonly string[],
  more: GitOptions,
): Promise<Finished> {
  const where = { gitDir: place.ownGit, workTree: place.workTree, indexFile: liveIndex(place) };
  return await git(where, args, {
    timeoutMs: gitMsMax,
    bytes: true,
    nice: true,
    ...more,
    env: { GIT_OBJECT_DIRECTORY: join(gitDir, "objects"), ...more.env },
  });
}

const nobody = {
  GIT_AUTHOR_NAME: "orchd",
  GIT_AUTHOR_EMAIL: "orchd@localhost",
  GIT_COMMITTER_NAME: "orchd",
  GIT_COMMITTER_EMAIL: "orchd@localhost",
};

function liveIndex(place: Place): string {
  return join(place.ownGit, "live.index");
}

function liveRef(task: string): string {
  return `refs/orchd/live/${task}`;
}

function asOid(text: string): Oid {
  const oid = text.trim();
  if (!isOid(oid)) throw new Error(`git printed ${JSON.stringify(text)} for an object name`);
  return oid;
}
