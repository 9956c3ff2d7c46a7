import { existsSync } from "node:fs";
import { lstat, readFile, readdir, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { attemptLogName, readUnfinished } from "../../system/attemptLines.ts";
import { hasOnlyHistories } from "../../system/setAside.ts";
import { readOutcome } from "../../system/attemptOutcome.ts";
import { isWorkerId } from "../../ipc/ids.ts";
import type { LeftFolder } from "../core/folders.ts";
import type { WorkerId } from "../../ipc/ids.ts";

/**
 * What workers and supervisors leave on disk:
 *
 *     <root>/<worker>/workspace, own.git, …   of a worker that there is no more
 *     <root>/<worker>/set-aside/<name>        what its attempts could not save, or need not
 *     <brain>/<worker>/attempts/<task>.<n>    logs and records
 *     <state>/damaged-<time>                  copies of damaged journals
 *     .<name>.tmp, <root>/.removed-<name>     what a killed process left half-way, also of a removal
 *
 * Agents run as the same user. So nothing is looked at below a link: all of it is removed some day, and
 * a link may lead anywhere. A workspace that reads another repository's objects belongs to that one.
 */
export type FolderSite = {
  /** Parent of the workers' folders. */
  readonly root: string;
  /** `.aibrain` */
  readonly brain: string;
  /** `<common-dir>/orchd`, and the common directory. */
  readonly stateDir: string;
  readonly gitDir: string;
  /** It has a place, or its process may live. */
  readonly isThere: (worker: WorkerId) => boolean;
  /** This supervisor is still the one that writes, as the repository says now. */
  readonly isOurs: () => Promise<boolean>;
};

/** Of workers that have a place only what is put aside. Rejects with what the disk says. */
export async function leftFolders(site: FolderSite): Promise<LeftFolder[]> {
  const left: LeftFolder[] = [];
  for (const { worker, folder } of await workersIn(site.root)) {
    const objects = await objectsOf(folder);
    const ours = await realpath(join(site.gitDir, "objects")).catch(() => null);
    // Without a workspace nobody else is known whose it could be.
    if (objects === null || objects === ours) left.push(...(await setAsideIn(folder)));
    if (!site.isThere(worker) && objects !== null && objects === ours)
      left.push(...(await workspaceIn(folder)));
  }
  for (const { folder } of await workersIn(site.brain)) {
    left.push(...(await attemptsIn(folder)), ...(await temporaryIn(folder)));
  }
  for (const name of await namesIn(site.stateDir))
    if (name.startsWith("damaged-"))
      left.push({ kind: "journal", path: join(site.stateDir, name) });
  // Of what lies in a root that the person chose, only this is ours by its name.
  left.push(...(await temporaryIn(site.root, removedName)));
  for (const folder of [site.brain, site.stateDir, join(site.stateDir, "workers")])
    left.push(...(await temporaryIn(folder)));
  return left;
}

/**
 * What is known only by reading more of it, asked of what is about to go; `null`: it stays for now, since
 * its attempt is open or its outcome not acknowledged. What a worker's log says is read once.
 */
export function makeExaminer(): (folder: LeftFolder) => Promise<LeftFolder | null> {
  const open = new Map<string, ReadonlySet<string>>();
  return async (folder) => {
    if (folder.kind !== "attempt") return folder;
    const worker = dirname(dirname(folder.path));
    const names = open.get(worker) ?? openIn(worker);
    open.set(worker, names);
    if (names.has(basename(folder.path))) return null;
    const outcome = await readOutcome(folder.path);
    return outcome?.isSaved === true ? folder : { ...folder, kind: "unsaved" };
  };
}

function openIn(worker: string): ReadonlySet<string> {
  const unfinished = readUnfinished(join(worker, attemptLogName));
  return new Set([...unfinished.values()].map(({ key }) => `${key.task}.${key.attempt}`));
}

/** The objects of another repository that is there and has workspaces below `root`; `null`: none has. */
export async function foreignWorkspaces(root: string, gitDir: string): Promise<string | null> {
  const ours = await realpath(join(gitDir, "objects"));
  for (const { folder } of await workersIn(root)) {
    const objects = await realpath((await objectsOf(folder)) ?? "").catch(() => null);
    if (objects !== null && objects !== ours) return objects;
  }
  return null;
}

/** Workers with a folder for a workspace, or what is left of one. */
export async function workersWithFolder(root: string): Promise<WorkerId[]> {
  const left: WorkerId[] = [];
  for (const { worker, folder } of await workersIn(root))
    if ((await namesIn(folder)).some((name) => name !== setAsideName)) left.push(worker);
  return left;
}

/** Workers whose workspace has work that is not saved: a process of theirs saves it. */
export async function unsavedWorkers(root: string): Promise<WorkerId[]> {
  return (await workersIn(root))
    .filter(({ folder }) => existsSync(join(folder, heldName)))
    .map(({ worker }) => worker);
}

/** Bytes on disk of everything below; `null`: not all of it can be looked at. */
export async function bytesOnDisk(path: string): Promise<number | null> {
  try {
    const entry = await lstat(path);
    const own = entry.blocks * blockBytes;
    if (!entry.isDirectory()) return own;
    let sum = own;
    for (const name of await readdir(path)) sum += (await bytesOnDisk(join(path, name))) ?? 0;
    return sum;
  } catch {
    return null;
  }
}

/** As worker/workspace/place.ts names them. */
const heldName = "held.json";
export const setAsideName = "set-aside";
const ownGitName = "own.git";
export const attemptsName = "attempts";
/** Of `st_blocks`, see stat(2). */
const blockBytes = 512;

async function workersIn(parent: string): Promise<{ worker: WorkerId; folder: string }[]> {
  const real = await realpath(parent).catch(() => null);
  if (real === null) return [];
  return (await readdir(real, { withFileTypes: true })).flatMap((entry) => {
    const worker = entry.name;
    return isWorkerId(worker) && entry.isDirectory()
      ? [{ worker, folder: join(real, worker) }]
      : [];
  });
}

async function setAsideIn(worker: string): Promise<LeftFolder[]> {
  const folder = join(worker, setAsideName);
  const left: LeftFolder[] = [];
  for (const path of (await namesIn(folder)).map((name) => join(folder, name)))
    left.push({ path, kind: (await hasOnlyHistories(path)) ? "histories" : "unsaved" });
  return left;
}

async function workspaceIn(worker: string): Promise<LeftFolder[]> {
  const names = (await namesIn(worker)).filter((name) => name !== setAsideName);
  const kind = names.includes(heldName) ? "unsaved" : "workspace";
  // Last, because whose workspace it is stands there.
  const ordered = names.toSorted((a, b) => Number(a === ownGitName) - Number(b === ownGitName));
  return ordered.map((name) => ({ kind, path: join(worker, name) }));
}

/** Of the repository that a workspace belongs to; `null`: it does not say. */
async function objectsOf(worker: string): Promise<string | null> {
  const file = join(worker, ownGitName, "objects/info/alternates");
  return (await readFile(file, "utf8").catch(() => null))?.trim() ?? null;
}

async function attemptsIn(worker: string): Promise<LeftFolder[]> {
  const folder = join(worker, attemptsName);
  return (await namesIn(folder)).map((name) => ({ kind: "attempt", path: join(folder, name) }));
}

const removedName = /^\.removed-(?:worker|gate)-\d+-/;
const temporaryName = /^\..*\.[a-z0-9]{10}\.tmp$/;

async function temporaryIn(folder: string, own = temporaryName): Promise<LeftFolder[]> {
  return (await namesIn(folder))
    .filter((name) => own.test(name))
    .map((name) => ({ kind: "temporary", path: join(folder, name) }));
}

/** Of a real folder; none of a link, and where there is nothing. */
async function namesIn(folder: string): Promise<string[]> {
  const there = await lstat(folder).catch(() => null);
  return there?.isDirectory() === true ? await readdir(folder) : [];
}
