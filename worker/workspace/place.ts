import { lstat, mkdir, realpath, symlink, unlink } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";
import type { Oid, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { WorkerSettings } from "../../ipc/workerMessages.ts";
import { claimRoot } from "../../system/rootOwner.ts";
import { failpoint } from "../../system/failpoint.ts";
import { isInside } from "../../system/paths.ts";

/**
 * Where a worker works. All of it lies outside the repository, because programs look upward from
 * where they run (node, cargo, jest) and would find what belongs to the person; and because
 * `git clean -fdx` in the repository must not reach work that is not saved yet.
 *
 *     <root>/owner.1              whose folder it is (system/rootOwner.ts)
 *     <root>/<worker>/workspace   what the agent sees; its `.git` is made afresh for each attempt
 *     <root>/<worker>/own.git     the worker's own git directory for the same files: our index, our
 *                                 configuration; nothing an agent wrote into its `.git` is ever read as one
 *     <root>/<worker>/held.json   the attempt whose work may be in there and is not saved (held.ts)
 *     <root>/<worker>/tmp         TMPDIR of the attempt
 *     <root>/<worker>/set-aside   `.git` folders of embedded repositories, workspaces that could not be saved
 */
export type Place = {
  /** Of the repository, see the function. */
  readonly repositoryId: () => string;
  readonly folder: string;
  readonly workTree: string;
  readonly ownGit: string;
  readonly held: string;
  readonly temporary: string;
  readonly setAside: string;
};

/** The person's repository, as far as a worker touches it. */
export type Repository = {
  readonly gitDir: string;
  readonly workTree: string;
  readonly landingRef: string;
};

/** What a workspace is reset to. */
export type Base = { readonly commit: Oid; readonly tree: Oid };

/** The attempt a workspace is used for. */
export type Owner = { readonly task: TaskId; readonly attempt: number };

/** A condition of the machine or the repository, told to people in the words of the message. */
export class WorkspaceError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "WorkspaceError";
  }
}

export function repositoryOf(settings: WorkerSettings): Repository {
  return {
    gitDir: settings.git_dir,
    workTree: settings.work_tree,
    landingRef: settings.landing_ref,
  };
}

/** Twelve hexadecimal digits that name a repository on this machine, from its common directory. */
export async function repositoryId(gitDir: string): Promise<string> {
  return idOf(await realpath(gitDir));
}

/** The module is loaded when it is needed: it would be 3 MB of a worker that has nothing to do yet. */
function idOf(path: string): string {
  return process.getBuiltinModule("node:crypto").hash("sha256", path, "hex").slice(0, 12);
}

/** Makes the worker's folder (0700) and answers what is in it. Throws a `WorkspaceError`. */
export async function findPlace(worker: WorkerId, settings: WorkerSettings): Promise<Place> {
  const gitDir = await realpath(settings.git_dir);
  const wanted = settings.config.workspace.root ?? join(stateHome(), "orchd", idOf(gitDir));
  const root = await withoutLinks(wanted);
  const workTree = await realpath(settings.work_tree);
  if (isInside(root, workTree))
    throw new WorkspaceError(
      `workspace.root ${root} lies inside the repository ${workTree}; choose a folder outside of it`,
    );
  if (/[\n"]/.test(root) || /[\n"]/.test(settings.git_dir))
    throw new WorkspaceError(`git cannot share objects with a path like ${JSON.stringify(root)}`);
  const claim = await claimRoot(root, gitDir);
  if (claim.kind === "taken")
    throw new WorkspaceError(
      `workspace.root ${root} is that of ${claim.owner}; choose another folder, or remove ${claim.file} if nothing of it is there`,
    );
  const folder = join(root, worker);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return {
    repositoryId: () => idOf(gitDir),
    folder,
    workTree: join(folder, "workspace"),
    ownGit: join(folder, "own.git"),
    held: join(folder, "held.json"),
    temporary: join(folder, "tmp"),
    setAside: join(folder, "set-aside"),
  };
}

/** A person's `git clean -fdx` removes the folder under us, but hardly several times in a moment. */
const linkTriesMax = 5;

/** `.aibrain/<worker>/workspace` → the workspace, for people who look; made again when it is missing. */
export async function linkWorkspace(stateFolder: string, place: Place): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await linkOnce(stateFolder, place);
    } catch (error) {
      const removed = (error as NodeJS.ErrnoException).code === "ENOENT";
      if (!removed || tries === linkTriesMax) throw error;
    }
  }
}

async function linkOnce(stateFolder: string, place: Place): Promise<void> {
  const link = join(stateFolder, "workspace");
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const there = await lstat(link).catch(() => null);
  if (there !== null && !there.isSymbolicLink()) return;
  if (there !== null && (await realpath(link).catch(() => null)) === place.workTree) return;
  await failpoint("place.link", async () => {
    if (there !== null) await unlink(link);
    await symlink(place.workTree, link);
  });
}

/**
 * Agents run as the same user, so one can replace its own workspace by a link to the person's
 * repository. Nothing is read from, saved from or removed below a path that is not a real folder.
 */
export async function isRealFolder(path: string): Promise<boolean> {
  const there = await lstat(path).catch(() => null);
  return there !== null && there.isDirectory() && (await realpath(path)) === path;
}

/** Throws a `WorkspaceError` where an agent, or a hook, has put something else in place of the workspace. */
export async function mustBeRealFolder({ workTree }: Place): Promise<void> {
  if (!(await isRealFolder(workTree)))
    throw new WorkspaceError(`${workTree} is not a folder any more`);
}

function stateHome(): string {
  const given = process.env["XDG_STATE_HOME"];
  if (given !== undefined && isAbsolute(given)) return given;
  return join(process.env["HOME"] ?? homedir(), ".local", "state");
}

/** The real path of something that may not exist yet: what exists of it is resolved, the rest is kept. */
async function withoutLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await withoutLinks(parent), basename(path));
  }
}
