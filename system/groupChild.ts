import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { setPriority } from "node:os";
import { endGroup } from "./processTree.ts";
import type { Finished } from "./spawn.ts";

/**
 * A git of ours that takes its time (a push, a repack): it leads a process group of its own, so that it
 * ends with all it started, and can stand still. It has no standard input and no terminal.
 *
 * `ORCHD_WRITER` lets the next supervisor find one that was left running, `ORCHD_GROUP` says that it can
 * end it at once, group and all: whatever it does may be cut off anywhere.
 */
export type GroupOptions = {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeoutMs: number;
  /** Ends it, and everything it started. */
  readonly signal: AbortSignal;
  /** Everything else goes first. */
  readonly low?: boolean;
};

export type GroupChild = {
  /** Never rejects. Of what it said the last 64 KiB of each stream. */
  readonly finished: Promise<Finished>;
  /** Stands still until `resume`; its time goes on. */
  readonly pause: () => void;
  readonly resume: () => void;
};

const outputBytesMax = 64 * 1024;
const graceMs = 1_000;
const lowest = 19;

export function startGroup(args: readonly string[], options: GroupOptions): GroupChild {
  const child = spawn("git", args, {
    cwd: options.cwd,
    env: { ...options.env, ORCHD_WRITER: `${process.pid}`, ORCHD_GROUP: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  if (options.low === true && child.pid !== undefined) lower(child.pid);
  const signalGroup = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It has just ended.
    }
  };
  return {
    finished: finished(child, options, () => signalGroup("SIGCONT")),
    pause: () => signalGroup("SIGSTOP"),
    resume: () => signalGroup("SIGCONT"),
  };
}

function lower(pid: number): void {
  try {
    setPriority(pid, lowest);
  } catch {
    // It has ended, or the machine does not allow it: then it is as any other.
  }
}

function finished(
  child: ChildProcess,
  { timeoutMs, signal }: GroupOptions,
  wake: () => void,
): Promise<Finished> {
  const { promise, resolve } = Promise.withResolvers<Finished>();
  const said = { stdout: "", stderr: "" };
  let givenUp = false;
  const end = (problem: string | null, code: number | null, by: string | null): void => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    resolve({ code, signal: by, problem, ...said });
  };
  const giveUp = (problem: string): void => {
    const group = child.pid;
    if (group === undefined || givenUp) return;
    givenUp = true;
    // One that stands still hears of its end only when it goes on.
    setImmediate(wake);
    void endGroup(group, { graceMs }).then(() => {
      // What it started may hold them open.
      child.stdout?.destroy();
      child.stderr?.destroy();
      end(problem, null, "SIGKILL");
    });
  };
  const onAbort = (): void => giveUp("it was stopped");
  const timer = setTimeout(() => giveUp(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.on("data", (chunk: Buffer) => {
      said[name] = `${said[name]}${chunk.toString("utf8")}`.slice(-outputBytesMax);
    });
  child.on("error", (error) => end(`git could not be started (${error.message})`, null, null));
  child.on("close", (code, by) => {
    // When it is given up, all that it started has to be gone as well.
    if (!givenUp) end(null, code, by);
  });
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return promise;
}
