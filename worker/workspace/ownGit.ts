import { lstat, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { git } from "../../system/git.ts";
import type { GitOptions } from "../../system/git.ts";
import type { Finished } from "../../system/spawn.ts";
import { unblocked } from "./unblock.ts";
import type { Base, Place, Repository } from "./place.ts";
import { failpoint } from "../../system/failpoint.ts";

/** Long enough for a first checkout of a very large repository on a slow disk. */
const gitTimeoutMs = 30 * 60 * 1000;
/** For whatever writes into the repository: objects and refs are on disk before git answers. */
export const durable = { "core.fsync": "committed,reference" } as const;
const lockPatienceMs = 5_000;
const lockPollMs = 25;
const excludeBytesMax = 1024 * 1024;

/**
 * Writes everything in `own.git` that decides what git does: HEAD, configuration, alternates,
 * excludes. It is written again each time, so what it says never depends on what happened before;
 * the index and its stat data are kept, because they make the next reset cheap.
 *
 * `excluded` are paths that `workspace.copy` brought; they stay out of every save even if only the
 * person's own configuration ignores them (`.env` must never become a commit).
 */
export async function writeOwnGit(
  place: Place,
  repository: Repository,
  base: Base,
  excluded: readonly string[],
): Promise<void> {
  const excluding = await excludes(repository, excluded);
  await settleOwnGit(place, repository, base);
  await failpoint("ownGit.exclude", () => writeFile(join(place.ownGit, "info/exclude"), excluding));
}

/**
 * The same without the excludes. Done again before a save: a program that ran in the workspace may
 * have found `own.git` beside it, and a filter configured there would run in the worker's name.
 */
export async function settleOwnGit(
  { ownGit }: Place,
  repository: Repository,
  base: Base,
): Promise<void> {
  for (const folder of ["objects/info", "objects/pack", "refs/heads", "info"])
    await mkdir(join(ownGit, folder), { recursive: true, mode: 0o700 });
  await failpoint("ownGit.write", async () => {
    for (const name of ["info/attributes", "commondir"])
      await rm(join(ownGit, name), { force: true });
    await writeFile(join(ownGit, "HEAD"), "ref: refs/heads/work\n");
    await writeFile(join(ownGit, "config"), gitConfiguration(base));
    await writeFile(join(ownGit, "objects/info/alternates"), alternatesOf(repository));
  });
}

/** Runs git on the workspace's files with the worker's own git directory. Throws a `GitError`. */
export async function ownGit(
  place: Place,
  args: readonly string[],
  options: GitOptions = {},
): Promise<Finished> {
  const where = { gitDir: place.ownGit, workTree: place.workTree };
  const withLimit = { timeoutMs: gitTimeoutMs, ...options };
  return await unblocked(place.workTree, async () => await git(where, args, withLimit));
}

/**
 * Runs git on our own git directory and the objects of the agent's, which are read and nothing else of it. They are in a
 * real folder (history.ts). Throws a `GitError`.
 */
export async function gitOnAgentObjects(
  { ownGit: gitDir, workTree }: Place,
  args: readonly string[],
  options: GitOptions,
): Promise<Finished> {
  const objects = agentObjects(workTree);
  const where = { gitDir, alternates: [objects] };
  const withLimit = { timeoutMs: gitTimeoutMs, ...options };
  return await unblocked(objects, async () => await git(where, args, withLimit), /./);
}

export function agentObjects(workTree: string): string {
  return join(workTree, ".git/objects");
}

/** The `[core]` and `[extensions]` sections every git directory of a workspace begins with. */
export function gitConfiguration(base: Base): string {
  const sha256 = base.commit.length === 64;
  const darwin = process.platform === "darwin";
  return [
    "[core]",
    `\trepositoryformatversion = ${sha256 ? 1 : 0}`,
    "\tfilemode = true",
    "\tbare = false",
    ...(darwin ? ["\tignorecase = true", "\tprecomposeunicode = true"] : []),
    ...(sha256 ? ["[extensions]", "\tobjectFormat = sha256"] : []),
    "",
  ].join("\n");
}

export function alternatesOf(repository: Repository): string {
  return `${join(repository.gitDir, "objects")}\n`;
}

/**
 * A git that was running when its worker was killed may still be at work: its lock gets a moment to
 * go away. One that stays has no living owner, since a worker runs one git at a time.
 */
export async function clearIndexLock(place: Place): Promise<void> {
  const lock = join(place.ownGit, "index.lock");
  const deadline = performance.now() + lockPatienceMs;
  while ((await exists(lock)) && performance.now() < deadline) await pause(lockPollMs);
  await failpoint("ownGit.unlock", () => rm(lock, { force: true }));
}

/** The repository's own `info/exclude` counts in a workspace as it does for the person. */
async function excludes(repository: Repository, excluded: readonly string[]): Promise<string> {
  const theirs = await readFile(join(repository.gitDir, "info/exclude"), "utf8").catch(() => "");
  const ours = excluded.map((path) => `/${path.replaceAll(/[\\*?[\] ]/g, "\\$&")}\n`).join("");
  return `${theirs.slice(0, excludeBytesMax)}\n${ours}`;
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}
