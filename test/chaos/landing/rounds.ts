import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { FailpointPlan } from "../../../system/failpoint.ts";
import { until } from "../../helpers/until.ts";
import { isAlive, livingOf } from "../living.ts";
import { lookWhenRecovered } from "../recovered.ts";
import type { Site } from "../site.ts";

/** What rounds in which landing dies have in common. */
export async function recoveringPlan(site: Site): Promise<FailpointPlan> {
  const folder = await site.pointsFolder();
  return { folder, kill: [], run: [lookWhenRecovered(site.tree.dir, site.recoveredFile)] };
}

/** Supervisors of the repository, also one that has not said yet who it is. */
export function supervisorsOf({ repository }: Site): number[] {
  return livingOf(repository).filter((pid) => commandOf(pid).includes("daemon/main."));
}

const followTimeoutMs = 60_000;
const goneMsMax = 15_000;
/** git holds a lock for milliseconds. */
const staleLockMs = 1_500;

/**
 * Until the person's branch is where orchd's is. A git that was killed on its own may leave its lock on
 * the branch, which orchd reports and does not touch: the person removes it. Resolves with how often.
 */
export async function followed(site: Site): Promise<number> {
  const { git } = site.repository;
  let removed = 0;
  await until(
    async () => {
      removed += removeLeftLocks(site);
      return (await git("rev-parse", "main")) === (await git("rev-parse", "orchd/main"));
    },
    { what: "the person's branch to follow", timeoutMs: followTimeoutMs },
  );
  return removed;
}

/** Until the remote has everything that landed, where there is one. */
export async function pushed(site: Site): Promise<void> {
  const { git } = site.repository;
  const remote = await git("config", "remote.origin.url").catch(() => null);
  if (remote === null) return;
  const has = (): Promise<string> => git("--git-dir", remote, "rev-parse", "refs/heads/main");
  await until(async () => (await has()) === (await git("rev-parse", "orchd/main")), {
    what: "the remote to have what landed",
    timeoutMs: followTimeoutMs,
  });
}

export function removeLeftLocks({ repository: { dir }, tree }: Site): number {
  const leftLocks = [`${tree.gitFolder}HEAD.lock`, "refs/heads/main.lock"];
  return leftLocks.filter((name) => removeStale(join(dir, ".git", name))).length;
}

function removeStale(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || Date.now() - found.mtimeMs < staleLockMs) return false;
  rmSync(path, { force: true });
  return true;
}

export async function gone(pids: readonly number[]): Promise<void> {
  await until(() => !pids.some(isAlive), { what: "the killed to be gone", timeoutMs: goneMsMax });
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}
