import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { hasProc, listPids, lookUp } from "./processTable.ts";
import { gather, notStarted } from "./spawn.ts";
import type { Finished } from "./spawn.ts";

/**
 * Runs a program that starts programs of the person's choice, which may ask a question, hang or print
 * without end: in a session of its own, so that nothing of it finds a terminal to ask on, with nothing
 * to read but `input`, and with limits. At the first one reached all of its process group is ended,
 * politely first, because a program that is told so removes its temporary files.
 */
export type GuardedOptions = {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly input: string;
  readonly timeoutMs: number;
  /** Of standard output, and of standard error. */
  readonly outputBytesMax: number;
  /** Of memory that it uses itself, looked at now and then; where nobody can look, there is only the time. */
  readonly memoryBytesMax: number;
  /** Aborted when it is not wanted any more. */
  readonly signal: AbortSignal;
};

const lookMs = 50;
const graceMs = 1_000;
/** A process that was killed and is still there waits for a device. */
const killMsMax = 5_000;
const pollMs = 10;

/** As `capture`: an unsuccessful end is a value. When it resolves, nothing of the group is left. */
export async function captureGuarded(
  file: string,
  args: readonly string[],
  options: GuardedOptions,
): Promise<Finished> {
  const { env, cwd, input, signal } = options;
  if (signal.aborted) return given("it was not wanted any more");
  const child = spawn(file, args, { env, cwd, stdio: "pipe", detached: true });
  const { promise, resolve } = Promise.withResolvers<Omit<Finished, "stdout" | "stderr">>();
  const giveUp = (problem: string): void => resolve({ code: null, signal: "SIGKILL", problem });
  const tooMuch = (): void => giveUp("it printed too much");
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) =>
    gather(stream, options.outputBytesMax, tooMuch),
  );
  child.on("error", (error) => resolve(notStarted(file, error)));
  child.on("close", (code, ended) => resolve({ code, signal: ended, problem: null }));
  // It may end without having read all of it.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const stopLooking = watch(child, options, giveUp);
  const end = await promise;
  stopLooking();
  if (end.problem !== null) await endAll(child);
  const said = (read: (() => Buffer) | undefined): string => read?.().toString("utf8") ?? "";
  return { ...end, stdout: said(stdout), stderr: said(stderr) };
}

function watch(
  child: ChildProcess,
  { timeoutMs, memoryBytesMax, signal }: GuardedOptions,
  giveUp: (problem: string) => void,
): () => void {
  const timer = setTimeout(() => giveUp(`it did not end within ${timeoutMs} ms`), timeoutMs);
  const look = setInterval(() => {
    if (residentBytes(child.pid) > memoryBytesMax) giveUp("it took too much memory");
  }, lookMs);
  const aborted = (): void => giveUp("it was not wanted any more");
  signal.addEventListener("abort", aborted);
  return () => {
    clearTimeout(timer);
    clearInterval(look);
    signal.removeEventListener("abort", aborted);
  };
}

async function endAll(child: ChildProcess): Promise<void> {
  // What nobody reads any more must not keep the child from ending.
  child.stdout?.destroy();
  child.stderr?.destroy();
  const { pid } = child;
  if (pid === undefined) return;
  send(pid, "SIGTERM");
  await gone(pid, graceMs);
  send(pid, "SIGKILL");
  await gone(pid, killMsMax);
}

async function gone(group: number, msMax: number): Promise<void> {
  const deadline = performance.now() + msMax;
  while (isAlive(group) && performance.now() < deadline) await pause(pollMs);
}

/** Zombies do not count: whoever they were left to may take his time. */
function isAlive(group: number): boolean {
  if (!hasProc) return send(group, 0);
  return listPids().some((pid) => {
    const row = lookUp(pid);
    return typeof row !== "string" && row.group === group && !row.ended;
  });
}

/** False: there is no such group. */
function send(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

/** Linux: from `/proc`; elsewhere, and of one that has ended, 0. */
function residentBytes(pid: number | undefined): number {
  try {
    const [, kibibytes = "0"] =
      /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kibibytes) * 1024;
  } catch {
    return 0;
  }
}

function given(problem: string): Finished {
  return { code: null, signal: null, stdout: "", stderr: "", problem };
}
