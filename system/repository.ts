import { readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fail, failure, ok } from "../ipc/errors.ts";
import type { Result } from "../ipc/errors.ts";
import { isOid } from "../ipc/ids.ts";
import type { Oid } from "../ipc/ids.ts";
import { git, gitAbsence, GitError } from "./git.ts";
import type { GitPlace } from "./git.ts";

/** A git repository as it was found from some folder inside it. All paths without symbolic links. */
export type Repository = {
  /** The git common directory: one for all working trees. */
  readonly commonDir: string;
  /** The main working tree, also when found from a linked one; `null` for a bare repository. */
  readonly workTree: string | null;
  readonly bare: boolean;
  /** Its history is cut off. */
  readonly shallow: boolean;
  /** Its objects are fetched when they are needed (`git clone --filter`). */
  readonly partial: boolean;
  /** `core.ignorecase`: `a` and `A` are the same file here. */
  readonly ignoresCase: boolean;
  /** Of the main working tree. */
  readonly head: {
    /** `refs/heads/…`; `null` when detached. */
    readonly ref: string | null;
    /** `null`: there is no commit yet. */
    readonly commit: Oid | null;
  };
};

type Discovered = {
  readonly gitDir: string;
  /** The folder that holds `.git`; `null` when the folder itself is the git directory. */
  readonly top: string | null;
};

const noAnswer = [0, 1] as const;

/**
 * Looks in `dir` and upward, as git does. Fails with `not_a_repository`, or with
 * `unsuitable_repository` and git's own words when git cannot read what is there; with `refused` where
 * git cannot be started.
 */
export async function findRepository(dir: string): Promise<Result<Repository>> {
  const discovered = await discover(dir);
  if (discovered === null)
    return fail(failure("not_a_repository", `${resolve(dir)} is not inside a git repository`));
  try {
    return ok(await describe(discovered));
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return fail(gitAbsence(error) ?? failure("unsuitable_repository", error.message));
  }
}

/** The commit that `revision` names where `dir` is checked out; `null`: none, or `dir` is in no repository. */
export async function commitNamed(dir: string, revision: string): Promise<Oid | null> {
  const found = await discover(dir);
  if (found === null) return null;
  const args = ["rev-parse", "--quiet", "--verify", "--end-of-options", `${revision}^{commit}`];
  const { stdout } = await git({ gitDir: found.gitDir }, args, { accept: [0, 1, 128] });
  const oid = stdout.trim();
  return isOid(oid) ? oid : null;
}

async function describe({ gitDir, top }: Discovered): Promise<Repository> {
  const commonDir = await realpath(await commonDirOf(gitDir));
  const place: GitPlace = { gitDir: commonDir };
  const [flags, settings, ref, commit] = await Promise.all([
    git(place, ["rev-parse", "--is-bare-repository", "--is-shallow-repository"]),
    git(place, ["config", "--null", "--get-regexp", wantedSettings], { accept: noAnswer }),
    git(place, ["symbolic-ref", "--quiet", "HEAD"], { accept: noAnswer }),
    git(place, ["rev-parse", "--quiet", "--verify", "HEAD^{commit}"], { accept: noAnswer }),
  ]);
  const [bare, shallow] = flags.stdout.split("\n").map((line) => line === "true");
  const values = settingsOf(settings.stdout);
  const oid = commit.stdout.trim();
  const isMain = (await realpath(gitDir)) === commonDir;
  const workTree =
    bare === true
      ? null
      : workTreeOf({
          commonDir,
          configured: values.get("core.worktree"),
          top: isMain ? top : null,
        });
  return {
    commonDir,
    workTree: workTree === null ? null : await realpath(workTree).catch(() => null),
    bare: bare === true,
    shallow: shallow === true,
    partial: [...values].some(([name, value]) => !name.startsWith("core.") && value !== "false"),
    ignoresCase: isTrue(values.get("core.ignorecase")),
    head: { ref: ref.stdout.trim() || null, commit: isOid(oid) ? oid : null },
  };
}

const wantedSettings =
  "^(core\\.(worktree|ignorecase)|extensions\\.partialclone|remote\\..*\\.promisor)$";

/** As git writes and reads it. */
function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(true|yes|on|1)$/i.test(value);
}

function workTreeOf(known: {
  readonly commonDir: string;
  readonly configured: string | undefined;
  readonly top: string | null;
}): string | null {
  if (known.configured !== undefined) return resolve(known.commonDir, known.configured);
  if (known.top !== null) return known.top;
  return basename(known.commonDir) === ".git" ? dirname(known.commonDir) : null;
}

/** `git config --null`: name, newline, value, NUL. */
function settingsOf(text: string): Map<string, string> {
  const entries = text.split("\0").filter(Boolean);
  return new Map(
    entries.map((entry) => {
      const [name = "", ...value] = entry.split("\n");
      return [name, value.join("\n")];
    }),
  );
}

/**
 * Done here and not by git, because every git of ours is told its git directory: what the person's
 * environment names (`GIT_DIR`) must not lead anywhere else than the folder they are in.
 */
async function discover(dir: string): Promise<Discovered | null> {
  for (let folder = await realpath(dir).catch(() => null); folder !== null;) {
    const gitDir = await gitDirAt(join(folder, ".git"));
    if (gitDir !== null) return { gitDir, top: folder };
    if (await isGitDir(folder)) return { gitDir: folder, top: null };
    folder = folder === dirname(folder) ? null : dirname(folder);
  }
  return null;
}

/** `.git` is a folder, or a file that says where the folder is: gitrepository-layout(5). */
async function gitDirAt(path: string): Promise<string | null> {
  const entry = await stat(path).catch(() => null);
  if (entry?.isDirectory() === true) return (await isGitDir(path)) ? path : null;
  if (entry?.isFile() !== true || entry.size > pointerBytesMax) return null;
  const target = /^gitdir: (.+?)\r?\n?$/s.exec(await readFile(path, "utf8"))?.[1];
  if (target === undefined) return null;
  const gitDir = resolve(dirname(path), target);
  return (await isGitDir(gitDir)) ? gitDir : null;
}

const pointerBytesMax = 64 * 1024;

/** A HEAD, and objects: its own, or those of the common directory that a linked working tree names. */
async function isGitDir(path: string): Promise<boolean> {
  if (!(await exists(join(path, "HEAD")))) return false;
  return (await exists(join(path, "commondir"))) || (await exists(join(path, "objects")));
}

async function commonDirOf(gitDir: string): Promise<string> {
  const named = await readFile(join(gitDir, "commondir"), "utf8").catch(() => null);
  return named === null ? gitDir : resolve(gitDir, named.trim());
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
