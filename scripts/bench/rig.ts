import {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { execa } from "execa";
import { connect } from "../../ipc/client.ts";
import { mintTaskId } from "../../ipc/ids.ts";
import type { Client } from "../../ipc/client.ts";
import type { RequestId, TaskId } from "../../ipc/ids.ts";
import type { TaskSpec, Work } from "../../ipc/taskSpec.ts";

/**
 * A scratch repository with a running supervisor, and a look at what its processes use. What is
 * measured is the real thing: the supervisor and its workers as separate processes, over the socket.
 */
export type Rig = {
  readonly repo: string;
  readonly client: Client;
  readonly supervisorPid: number;
  readonly startedMs: number;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

const entry = join(import.meta.dirname, "../../cli/orchd.ts");

export async function openRig(options: { readonly workers: number }): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "orchd-bench-"));
  const repo = join(folder, "repo");
  const env = { XDG_STATE_HOME: join(folder, "state"), GIT_CONFIG_GLOBAL: "/dev/null" };
  await makeRepository(repo, env);
  const begun = performance.now();
  await execa(process.execPath, [entry, "start", "--max-parallel", `${options.workers}`], {
    cwd: repo,
    env,
  });
  const startedMs = performance.now() - begun;
  const client = await connect({ repo });
  await workersReady(client, options.workers);
  const status = await client.call("status", { finished_max: 0, open_max: 0 });
  return {
    repo,
    client,
    supervisorPid: status.daemon.pid,
    startedMs,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await execa(process.execPath, [entry, "stop"], { cwd: repo, env, reject: false });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function makeRepository(repo: string, env: Record<string, string>): Promise<void> {
  const git = (...args: string[]) => execa("git", args, { cwd: repo, env });
  await mkdir(repo, { recursive: true });
  await writeFile(join(repo, "README.md"), "# bench\n");
  await git("init", "--quiet", "--initial-branch=main");
  await git("config", "user.name", "Bench");
  await git("config", "user.email", "bench@example.org");
  await git("add", ".");
  await git("commit", "--quiet", "--message=begin");
}

async function workersReady(client: Client, count: number): Promise<void> {
  for (;;) {
    const { workers } = await client.call("workers", {});
    if (workers.filter(({ state }) => state === "idle").length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A task with nothing to land and nothing to claim. */
export function spec(work: Work, title: string): TaskSpec {
  return {
    id: mintTaskId(),
    title,
    objective: null,
    decision: null,
    labels: [],
    work,
    cwd: ".",
    workspace: "none",
    claims: { writes: [], reads: [], resources: {} },
    after: [],
    after_any: [],
    priority: 0,
    not_before: null,
    estimate_ms: null,
    timeout_ms: 60_000,
    retries: { max: 0, backoff_ms: 0 },
    env: {},
    secrets: [],
    verify: [],
    commit: { message: null, author: null, trailers: {} },
  };
}

export const title200 = "a task of two hundred bytes ".padEnd(200, ".");

/** Resolves when all of `ids` have been reported final by the event stream. */
export async function whenFinal(
  client: Client,
  count: number,
): Promise<{ readonly all: Promise<void> }> {
  let left = count;
  const { promise, resolve } = Promise.withResolvers<void>();
  await client.subscribe(null, ({ name }) => {
    if (name !== "task:succeeded" && name !== "task:failed") return;
    left -= 1;
    if (left === 0) resolve();
  });
  return { all: promise };
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** One fdatasync of 200 appended bytes on the disk that the journal uses: median of 50, in ms. */
export function singleSyncMs(folder: string): number {
  const file = join(folder, "sync-probe");
  const fd = openSync(file, "a");
  const line = Buffer.alloc(200, 46);
  const times = Array.from({ length: 50 }, () => {
    const begun = performance.now();
    writeSync(fd, line);
    fdatasyncSync(fd);
    return performance.now() - begun;
  });
  closeSync(fd);
  rmSync(file);
  return percentile(times, 0.5);
}

const ticksPerSecond = 100;

/** The supervisor and every process below it. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const parent = statFields(Number(name))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found = new Set([root]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** CPU time of these processes and of their children that have ended, ms. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = statFields(pid);
    if (fields === null) return sum;
    // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), counted from the state (3).
    const ticks = fields.slice(11, 15).reduce((total, field) => total + Number(field), 0);
    return sum + (ticks * 1000) / ticksPerSecond;
  }, 0);
}

export type Memory = { readonly rssMb: number; readonly pssMb: number };

export function memory(pid: number): Memory {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const kb = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
    return { rssMb: kb("Rss") / 1024, pssMb: kb("Pss") / 1024 };
  } catch {
    return { rssMb: 0, pssMb: 0 };
  }
}

/** Watches the sum over all processes, and each kind, while `run` is under way. */
export async function peakMemory<Value>(
  supervisor: number,
  run: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly peak: Record<string, number> }> {
  const peak = { rss_mb: 0, pss_mb: 0, supervisor_rss_mb: 0, worker_rss_mb: 0 };
  const look = () => {
    const all = processTree(supervisor).map((pid) => ({ pid, ...memory(pid) }));
    const sum = (key: keyof Memory) => all.reduce((total, one) => total + one[key], 0);
    peak.rss_mb = Math.max(peak.rss_mb, sum("rssMb"));
    peak.pss_mb = Math.max(peak.pss_mb, sum("pssMb"));
    for (const { pid, rssMb } of all) {
      const key = pid === supervisor ? "supervisor_rss_mb" : "worker_rss_mb";
      peak[key] = Math.max(peak[key], rssMb);
    }
  };
  look();
  const timer = setInterval(look, 500);
  try {
    return { value: await run(), peak };
  } finally {
    look();
    clearInterval(timer);
  }
}

function statFields(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

/** Submits each task with a call of its own, at most `inFlight` of them unanswered. */
export async function submitEach(
  client: Client,
  specs: readonly TaskSpec[],
  inFlight: number,
): Promise<number[]> {
  const times: number[] = [];
  const queue = specs.values();
  const lane = async () => {
    for (const one of queue) {
      const begun = performance.now();
      await client.call("submit", { request: requestFor(one.id), tasks: [one] });
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return times;
}

function requestFor(id: TaskId): RequestId {
  return `r${id}` as RequestId;
}

export function rounded(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Number(value.toPrecision(4))]),
  );
}
