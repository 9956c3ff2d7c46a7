import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { judge, ownIdentity, withSurroundings } from "../../system/processIdentity.ts";
import type { ProcessIdentity } from "../../system/processIdentity.ts";
import { killMember, signalProcess } from "../../system/processFamily.ts";
import { ownGitProcesses } from "../../system/gitProcesses.ts";
import { lookUp } from "../../system/processTable.ts";

/**
 * The git children of a supervisor that died. One is left over if the parent that its marker names is
 * gone, or is a younger process that was given the number; the git of a living worker is not. The
 * epoch ref keeps them from moving anything of ours, but one may still hold a lock or write a person's
 * files. One that takes its time (`ORCHD_GROUP`: a push, a repack) may be cut off anywhere: it is not
 * waited for.
 */
const waitMs = 2_000;
const pollMs = 10;

/** Waits up to two seconds for each left-over git, then kills it; returns the pids of the killed. */
export async function endLeftOvers(gitDir: string): Promise<number[]> {
  const leftOver = leftOverGits(gitDir);
  for (const identity of leftOver) if (leadsGroup(identity.pid)) endAll(identity);
  if (await gone(leftOver)) return [];
  const killed = leftOver.filter(kill);
  await gone(killed);
  return killed.map(({ pid }) => pid);
}

/** One that signs has a process group of its own, with the programs that it waits for. */
function kill(identity: ProcessIdentity): boolean {
  const row = lookUp(identity.pid);
  if (typeof row === "string" || row.group !== row.pid) return signalProcess(identity, "SIGKILL");
  killMember({ identity, group: row.group }, new Map());
  return true;
}

async function gone(processes: readonly ProcessIdentity[]): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (processes.some((identity) => judge(identity) === "alive")) {
    if (performance.now() >= deadline) return false;
    await pause(pollMs);
  }
  return true;
}

/** With ssh and whatever else it started: it leads a process group of its own. */
function endAll(identity: ProcessIdentity): void {
  if (judge(identity) !== "alive") return;
  try {
    process.kill(-identity.pid, "SIGKILL");
  } catch {
    signalProcess(identity, "SIGKILL");
  }
}

function leadsGroup(pid: number): boolean {
  try {
    return /(?:^|\0)ORCHD_GROUP=1\0/.test(readFileSync(`/proc/${pid}/environ`, "utf8"));
  } catch {
    return false;
  }
}

function leftOverGits(gitDir: string): ProcessIdentity[] {
  return ownGitProcesses(gitDir).flatMap(({ pid, parent }) => {
    const row = lookUp(pid);
    if (typeof row === "string" || row.ended || isParentOf(parent, row.startTime)) return [];
    return [withSurroundings(row)];
  });
}

/** Also a git in another container, whose parent's number means nothing here, is left alone if a parent is there. */
function isParentOf(parent: number, startTime: number): boolean {
  if (parent === process.pid) return ownIdentity().startTime <= startTime;
  const row = lookUp(parent);
  if (row === "unreadable") return true;
  return row !== "gone" && !row.ended && row.startTime <= startTime;
}
