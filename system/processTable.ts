import { readFileSync, readdirSync } from "node:fs";

/**
 * What the kernel says about one process. Linux: `/proc/<pid>/stat`; elsewhere one call of `ps`.
 * Everything here is synchronous: a row is only true at the moment it is read, and whoever wants to
 * signal a process must do so before anything else runs.
 */
export type ProcessRow = {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Linux only; 0 elsewhere. */
  readonly session: number;
  /** Linux: clock ticks since boot (field 22 of proc_pid_stat(5)); elsewhere milliseconds since 1970. */
  readonly startTime: number;
  /** A zombie counts as ended: it runs nothing and holds nothing but its number. */
  readonly ended: boolean;
  /** `unset`: in the middle of an exec, or not ours to see. `empty`: it has none, as kernel threads. */
  readonly environment: "set" | "empty" | "unset";
};

export type LookUp = ProcessRow | "gone" | "unreadable";

/** PF_KTHREAD of the kernel's sched.h. */
const kernelThreadFlag = 0x0020_0000;

export const hasProc = process.platform === "linux";

/** `unreadable` when the answer is not known (no file descriptor left, say): not the same as gone. */
export function lookUp(pid: number): LookUp {
  if (!Number.isSafeInteger(pid) || pid <= 0) return "gone";
  return hasProc ? lookUpInProc(pid) : lookUpWithPs(pid);
}

/** Numbers of all processes that may be seen, ascending as the kernel lists them. Linux only, else none. */
export function listPids(): number[] {
  if (!hasProc) return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0);
}

/** Fields count from the last `)`: a program may put anything, parentheses too, into its own name. */
export function parseStat(text: string): ProcessRow | undefined {
  const end = text.lastIndexOf(")");
  const pid = Number.parseInt(text, 10);
  const [state, parent, group, session, ...rest] = text.slice(end + 2).split(" ");
  const startTime = Number(rest[15]);
  if (end < 0 || !Number.isSafeInteger(pid) || !Number.isSafeInteger(startTime)) return undefined;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startTime,
    ended: state === "Z" || state === "X" || state === "x",
    environment: environmentOf(rest),
  };
}

/** Fields 9 (flags), 50 and 51 (the environment's first and last address; before Linux 3.5 absent). */
function environmentOf(fieldsFrom7: readonly string[]): ProcessRow["environment"] {
  const isKernelThread = (Number(fieldsFrom7[2]) & kernelThreadFlag) !== 0;
  const [first = "0", last = "0"] = [fieldsFrom7[43], fieldsFrom7[44]?.trim()];
  if (isKernelThread || fieldsFrom7.length < 45) return "empty";
  if (last === "0") return "unset";
  return first === last ? "empty" : "set";
}

/** One line of `ps -o ppid=,pgid=,stat=,lstart=`: `  1  501 Ss   Fri Nov 21 03:23:00 2025`. */
export function parsePsLine(pid: number, line: string): ProcessRow | undefined {
  const [parent, group, state, ...started] = line.trim().split(/\s+/);
  const startTime = Date.parse(started.join(" "));
  if (Number.isNaN(startTime) || state === undefined) return undefined;
  const ended = state.startsWith("Z") || state.startsWith("X");
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: 0,
    startTime,
    ended,
    environment: "unset",
  };
}

function lookUpInProc(pid: number): LookUp {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? "unreadable";
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const missing = code === "ENOENT" || code === "ESRCH";
    // Where /proc is mounted with hidepid, another user's process is there and cannot be seen.
    return missing && !existsForOthers(pid) ? "gone" : "unreadable";
  }
}

function existsForOthers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The module is loaded here and not above: it would be 3 MB of every worker, and Linux needs it not. */
function lookUpWithPs(pid: number): LookUp {
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { status, stdout } = spawnSync("ps", ["-o", "ppid=,pgid=,stat=,lstart=", "-p", `${pid}`], {
    encoding: "utf8",
    env: { PATH: "/bin:/usr/bin", LC_ALL: "C" },
  });
  if (status === 1) return "gone";
  if (status !== 0) return "unreadable";
  return parsePsLine(pid, stdout) ?? "unreadable";
}
