import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { judge, ownIdentity, withSurroundings } from "../../system/processIdentity.ts";
import type { ProcessIdentity } from "../../system/processIdentity.ts";
import { killMember, signalProcess } from "../../system/processFamily.ts";
import { listPids, lookUp } from "../../system/processTable.ts";

/**
 * The git children of a supervisor that died. Each carries `ORCHD_WRITER=<pid of its parent>` in its
 * environment and our `--git-dir` in its arguments. It is left over if that parent is gone, or is a
 * younger process that was given the number; the git of a living worker is not. The epoch ref keeps
 * them from moving anything of ours, but one may still hold a lock or write a person's files. One that
 * takes its time (`ORCHD_GROUP`: a push, a repack) may be cut off anywhere: it is not waited for.
 */
const waitMs = 2_000;
const pollMs = 10;

type WriterProcesses = {
  readonly leftOver: readonly ProcessIdentity[];
  /** A git of some living process of orchd works on this repository now. */
  readonly living: boolean;
};

/** Waits up to two seconds for each left-over git, then kills it; returns the pids of the killed. */
export async function endLeftOvers(gitDir: string): Promise<number[]> {
  const { leftOver } = writerProcesses(gitDir);
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

export function writerProcesses(gitDir: string): WriterProcesses {
  const found = listPids().flatMap((pid) => {
    const parent = markedBy(pid, gitDir);
    const row = parent === null ? "gone" : lookUp(pid);
    if (parent === null || typeof row === "string" || row.ended) return [];
    return [{ identity: withSurroundings(row), lives: isParentOf(parent, row.startTime) }];
  });
  return {
    leftOver: found.filter(({ lives }) => !lives).map(({ identity }) => identity),
    living: found.some(({ lives }) => lives),
  };
}

/** The parent that the marker names; `null` for a process that is not a git of ours on this repository. */
function markedBy(pid: number, gitDir: string): number | null {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    if (!words.includes(`--git-dir=${gitDir}`)) return null;
    const marker = /(?:^|\0)ORCHD_WRITER=(\d+)\0/.exec(
      readFileSync(`/proc/${pid}/environ`, "utf8"),
    );
    return marker === null ? null : Number(marker[1]);
  } catch {
    return null;
  }
}

/** Also a git in another container, whose parent's number means nothing here, is left alone if a parent is there. */
function isParentOf(parent: number, startTime: number): boolean {
  if (parent === process.pid) return ownIdentity().startTime <= startTime;
  const row = lookUp(parent);
  if (row === "unreadable") return true;
  return row !== "gone" && !row.ended && row.startTime <= startTime;
}
