import { openNotifySocket } from "../../system/sdNotify.ts";
import type { NotifySocket } from "../../system/sdNotify.ts";

/**
 * Tells the service manager how the supervisor is (sd_notify(3)):
 *
 *     start ── READY=1 ──► running ── WATCHDOG=1 every interval ──► … ── STOPPING=1 ──► end
 *                             │  ▲
 *                RELOADING=1  └──┘  READY=1
 *
 * The watchdog belongs behind a real look at the supervisor's health, in the main loop: a timer
 * that fires in a broken supervisor would hide what the watchdog is there to find.
 *
 * Two ways: a datagram of our own (system/sdNotify.ts), or the program `systemd-notify` where that
 * is not possible. The program is another process, so the unit then needs `NotifyAccess=all`.
 * Not started by a service manager: every call does nothing.
 */
export type Notifier = {
  /** After the start, and again after a reload. `status` is the line `systemctl status` shows. */
  readonly ready: (status: string) => void;
  readonly status: (text: string) => void;
  readonly reloading: () => void;
  readonly stopping: () => void;
  readonly watchdog: () => void;
  /** How often to call `watchdog`: half of what the unit allows. `null`: it does not ask for it. */
  readonly watchdogIntervalMs: number | null;
  /** Resolves when everything is delivered or given up. */
  readonly close: () => Promise<void>;
};

type Send = (lines: readonly string[]) => void;
type Way = { readonly send: Send; readonly close: () => Promise<void> };
type Environment = Record<string, string | undefined>;

const statusCharsMax = 200;
const programTimeoutMs = 5_000;

/**
 * Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of `env`, so that no child speaks in the
 * supervisor's name. `onProblem` is told once if messages cannot be delivered.
 */
export function createNotifier(
  env: Environment = process.env,
  onProblem: (message: string) => void = () => undefined,
): Notifier {
  const path = env["NOTIFY_SOCKET"];
  const watchdogIntervalMs = path === undefined ? null : intervalOf(env);
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete env[name];
  const { send, close } = path === undefined ? nowhere : wayTo(path, once(onProblem));
  return {
    ready: (status) => send(["READY=1", statusLine(status)]),
    status: (text) => send([statusLine(text)]),
    reloading: () => send(["RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`]),
    stopping: () => send(["STOPPING=1"]),
    watchdog: () => send(["WATCHDOG=1"]),
    watchdogIntervalMs,
    close,
  };
}

/** sd_watchdog_enabled(3): the limit counts only for the process it was given to. */
function intervalOf(env: Environment): number | null {
  const microseconds = Number(env["WATCHDOG_USEC"]);
  if (!Number.isSafeInteger(microseconds) || microseconds <= 0) return null;
  const pid = env["WATCHDOG_PID"];
  if (pid !== undefined && Number(pid) !== process.pid) return null;
  return Math.max(1, Math.floor(microseconds / 2_000));
}

/** A newline would begin another assignment. */
function statusLine(text: string): string {
  return `STATUS=${text.replaceAll(/\s+/g, " ").slice(0, statusCharsMax)}`;
}

const nowhere: Way = { send: () => undefined, close: async () => undefined };

function wayTo(path: string, onProblem: (message: string) => void): Way {
  const socket = openNotifySocket(path);
  return socket === null ? throughProgram(path, onProblem) : throughSocket(socket, onProblem);
}

function throughSocket(socket: NotifySocket, onProblem: (message: string) => void): Way {
  return {
    send: (lines) => {
      if (!socket.send(lines.join("\n"))) onProblem("the service manager does not take messages");
    },
    close: async () => socket.close(),
  };
}

/** One call after the other: READY=1 must not overtake what was said before it. */
function throughProgram(path: string, onProblem: (message: string) => void): Way {
  let last = Promise.resolve();
  return {
    send: (lines) => {
      last = last.then(async () => {
        const problem = await runProgram(path, lines);
        if (problem !== null) onProblem(problem);
      });
    },
    close: () => last,
  };
}

async function runProgram(path: string, lines: readonly string[]): Promise<string | null> {
  const { capture } = await import("../../system/spawn.ts");
  const result = await capture("systemd-notify", [`--pid=${process.pid}`, ...lines], {
    env: { NOTIFY_SOCKET: path, PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    timeoutMs: programTimeoutMs,
  });
  if (result.code === 0) return null;
  return `systemd-notify failed: ${result.problem ?? result.stderr.trim()}`;
}

function once(report: (message: string) => void): (message: string) => void {
  let reported = false;
  return (message) => {
    if (!reported) report(message);
    reported = true;
  };
}
