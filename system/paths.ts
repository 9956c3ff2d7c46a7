import { createHash } from "node:crypto";
import { homedir, tmpdir, userInfo } from "node:os";
import { basename, isAbsolute, join, relative } from "node:path";
import type { TaskId, WorkerId } from "../ipc/ids.ts";

/**
 * Where everything lies on disk. Every path is absolute; nothing here looks at the disk.
 *
 *     <common-dir>/orchd/                     the truth, safe from `git clean`
 *     <working tree>/.aibrain/                may be deleted, is made again
 *     <state home>/orchd/<repository id>/     workspaces: outside the repository, because compilers
 *                                             and package managers look upward from where they run
 */
export type Layout = {
  /** The repository's git common directory, and its main working tree. */
  readonly commonDir: string;
  readonly workTree: string;
  /** `<name>-<12 hex>`, the same for every working tree of the repository. */
  readonly repositoryId: string;
  readonly configFile: string;

  readonly stateDir: string;
  readonly supervisorDatabase: string;
  readonly supervisorRecord: string;
  readonly journal: string;

  readonly brainDir: string;
  readonly locksDir: string;
  readonly foreignLocksDir: string;
  readonly inboxDir: string;
  readonly acceptedDir: string;
  readonly rejectedDir: string;
  readonly logsDir: string;
  readonly contextFile: string;
  readonly boardFile: string;
};

/** The folder of one worker under `.aibrain`. */
export type WorkerLayout = {
  readonly dir: string;
  readonly record: string;
  readonly contextFile: string;
  /** A symbolic link to the workspace, for people. */
  readonly workspaceLink: string;
  readonly attemptsDir: string;
};

export type AttemptLayout = {
  readonly dir: string;
  /** Written before anything of the attempt is started. */
  readonly record: string;
  readonly outcome: string;
  readonly stdout: string;
  readonly stderr: string;
};

/** What a worker works in, outside the repository. */
export type WorkspaceLayout = {
  readonly dir: string;
  /** The agent's clone. */
  readonly workspace: string;
  /** The worker's own git directory, which the agent does not know. */
  readonly ownGit: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** What `sun_path` holds without its final NUL: unix(7), and 104 bytes on macOS and the BSDs. */
export const socketPathBytesMax = process.platform === "linux" ? 107 : 103;
const idHexDigits = 12;
const nameLengthMax = 32;

export function layoutOf({ commonDir, workTree }: { commonDir: string; workTree: string }): Layout {
  const stateDir = join(commonDir, "orchd");
  const brainDir = join(workTree, ".aibrain");
  const locksDir = join(brainDir, "locks");
  const inboxDir = join(brainDir, "inbox");
  return {
    commonDir,
    workTree,
    repositoryId: repositoryId(commonDir, workTree),
    configFile: join(workTree, "orchd.yaml"),
    stateDir,
    supervisorDatabase: join(stateDir, "supervisor.db"),
    supervisorRecord: join(stateDir, "supervisor.json"),
    journal: join(stateDir, "journal.db"),
    brainDir,
    locksDir,
    foreignLocksDir: join(locksDir, "foreign"),
    inboxDir,
    acceptedDir: join(inboxDir, "accepted"),
    rejectedDir: join(inboxDir, "rejected"),
    logsDir: join(brainDir, "logs"),
    contextFile: join(brainDir, "context.json"),
    boardFile: join(brainDir, "board.json"),
  };
}

export function workerLayout(layout: Layout, worker: WorkerId): WorkerLayout {
  const dir = join(layout.brainDir, worker);
  return {
    dir,
    record: join(dir, "worker.json"),
    contextFile: join(dir, "context.json"),
    workspaceLink: join(dir, "workspace"),
    attemptsDir: join(dir, "attempts"),
  };
}

export function attemptLayout(
  worker: WorkerLayout,
  { task, attempt }: { task: TaskId; attempt: number },
): AttemptLayout {
  const dir = join(worker.attemptsDir, `${task}.${attempt}`);
  return {
    dir,
    record: join(dir, "attempt.json"),
    outcome: join(dir, "outcome.json"),
    stdout: join(dir, "stdout.log"),
    stderr: join(dir, "stderr.log"),
  };
}

/**
 * The folder of all workspaces: the configured one as it is, else one for this repository under
 * `XDG_STATE_HOME` (taken only if absolute, as the XDG base directory specification asks) or
 * `~/.local/state`.
 */
export function workspaceRoot(layout: Layout, configured: string | null, env: Environment): string {
  if (configured !== null) return configured;
  const named = env["XDG_STATE_HOME"];
  const home = env["HOME"] || homedir();
  const state = named && isAbsolute(named) ? named : join(home, ".local", "state");
  return join(state, "orchd", layout.repositoryId);
}

export function workspaceLayout(root: string, worker: WorkerId): WorkspaceLayout {
  const dir = join(root, worker);
  return { dir, workspace: join(dir, "workspace"), ownGit: join(dir, "own.git") };
}

/**
 * `.aibrain/orchd.sock`, or a short path where that is too long for a socket:
 * `$XDG_RUNTIME_DIR/orchd-<uid>/<12 hex>.sock`, else under the folder for temporary files. Whoever
 * makes that folder makes it 0700 and checks that it is theirs: the temporary folder is shared.
 */
export function socketPathFor(layout: Layout, env: Environment = process.env): string {
  const near = join(layout.brainDir, "orchd.sock");
  if (Buffer.byteLength(near) <= socketPathBytesMax) return near;
  const runtime = env["XDG_RUNTIME_DIR"];
  const parent = runtime && isAbsolute(runtime) ? runtime : tmpdir();
  return join(parent, `orchd-${userInfo().uid}`, `${hexOf(layout.commonDir)}.sock`);
}

/** True when `path` is `folder` or lies below it. Both absolute and free of symbolic links. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (!way.startsWith("../") && way !== ".." && !isAbsolute(way));
}

/** The name is for people who look into the state folder; the digits make it unique. */
function repositoryId(commonDir: string, workTree: string): string {
  const name = basename(workTree)
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+/, "");
  return `${name.slice(0, nameLengthMax) || "repository"}-${hexOf(commonDir)}`;
}

function hexOf(commonDir: string): string {
  return createHash("sha256").update(commonDir).digest("hex").slice(0, idHexDigits);
}
