import { readFileSync, readdirSync } from "node:fs";

/** What processes use of CPU and memory, as proc(5) tells it. */
const ticksPerSecond = 100;

/** The process and every one below it. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const parent = /^[0-9]+$/.test(name) ? statFields(Number(name))?.[1] : undefined;
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found = new Set([root]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

export type Cpu = {
  readonly supervisor: number;
  readonly workers: number;
  /** Of programs that workers started and that have ended. */
  readonly programs: number;
};

/** CPU time so far, ms. */
export function cpuOf(supervisor: number): Cpu {
  const workers = processTree(supervisor).filter((pid) => pid !== supervisor);
  const sum = (pids: readonly number[], first: number) =>
    pids.reduce((total, pid) => total + ticksOf(pid, first), 0) * (1000 / ticksPerSecond);
  return {
    supervisor: sum([supervisor], 11),
    workers: sum(workers, 11),
    programs: sum(workers, 13),
  };
}

export function cpuPerTask(before: Cpu, after: Cpu, tasks: number): Record<string, number> {
  const of = (key: keyof Cpu) => (after[key] - before[key]) / tasks;
  const [supervisor, workers, programs] = [of("supervisor"), of("workers"), of("programs")];
  return {
    cpu_ms_per_task: supervisor + workers + programs,
    cpu_ms_supervisor: supervisor,
    cpu_ms_workers: workers,
    cpu_ms_programs: programs,
  };
}

export type Memory = { readonly rssMb: number; readonly pssMb: number };

export function memoryOf(pid: number): Memory {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const mb = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) / 1024;
    return { rssMb: mb("Rss"), pssMb: mb("Pss") };
  } catch {
    return { rssMb: 0, pssMb: 0 };
  }
}

/** Looks at the memory twice a second while `run` is under way; `rss_mb` and `pss_mb`: of all together. */
export async function peakMemory(
  supervisor: number,
  run: () => Promise<void>,
): Promise<Record<string, number>> {
  const peak = { rss_mb: 0, pss_mb: 0, supervisor_rss_mb: 0, worker_rss_mb: 0 };
  const raise = (key: keyof typeof peak, value: number) => (peak[key] = Math.max(peak[key], value));
  const look = () => {
    const all = processTree(supervisor).map((pid) => ({ pid, ...memoryOf(pid) }));
    raise(
      "rss_mb",
      all.reduce((total, { rssMb }) => total + rssMb, 0),
    );
    raise(
      "pss_mb",
      all.reduce((total, { pssMb }) => total + pssMb, 0),
    );
    for (const { pid, rssMb } of all)
      raise(pid === supervisor ? "supervisor_rss_mb" : "worker_rss_mb", rssMb);
  };
  const timer = setInterval(look, 500);
  try {
    await run();
    return peak;
  } finally {
    look();
    clearInterval(timer);
  }
}

/** utime and stime (from 11), or those of ended children (from 13): fields 14 to 17, counted from the state (3). */
function ticksOf(pid: number, first: number): number {
  const fields = statFields(pid)?.slice(first, first + 2) ?? [];
  return fields.reduce((total, field) => total + Number(field), 0);
}

function statFields(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}
