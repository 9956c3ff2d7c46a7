import { setTimeout as pause } from "node:timers/promises";
import { failure, FailureError } from "../ipc/errors.ts";
import { identityOf, judge } from "../system/processIdentity.ts";
import type { ProcessIdentity } from "../system/processIdentity.ts";
import type { Methods } from "../ipc/methods.ts";
import { plural } from "./render/text.ts";
import type { Session, Supervisor } from "./session.ts";

/**
 * Ends the supervisor and waits until its process is gone, not only its connection: whoever starts
 * another one right after must find the repository free.
 */
export type StopMode = Methods["stop"]["params"]["mode"];
export type Ended = { readonly pid: number; readonly ended: number };

const nowTimeoutMs = 90_000;
const drainTimeoutMs = 24 * 60 * 60 * 1000;
const pauseMaxMs = 100;

/** Rejects with a `FailureError`: `no_supervisor`, or `refused` when the process would not go. */
export async function endSupervisor(session: Session, mode: StopMode): Promise<Ended> {
  const client = await session.connect();
  const { pid } = client.supervisor;
  const identity = identityOf(pid);
  const running = await runningAtStop(client, mode);
  if (running > 0) session.remark(remarkOf(mode, running));
  if (!(await isGone(identity, mode === "drain" ? drainTimeoutMs : nowTimeoutMs))) {
    const hint = `If it hangs, end it with: kill ${pid}`;
    throw new FailureError(failure("refused", `The supervisor (pid ${pid}) still runs.`, { hint }));
  }
  return { pid, ended: mode === "drain" ? 0 : running };
}

/** A supervisor with nothing to end can be gone before its answer has left. */
async function runningAtStop(client: Supervisor, mode: StopMode): Promise<number> {
  try {
    return (await client.call("stop", { mode })).running;
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === "connection_lost") return 0;
    throw error;
  }
}

export function endedSentence({ pid, ended }: Ended): string {
  if (ended === 0) return `Stopped (pid ${pid}).`;
  const tasks = plural(ended, "running attempt");
  return `Stopped (pid ${pid}); ended ${tasks}, which ${ended === 1 ? "runs" : "run"} again after the next start.`;
}

function remarkOf(mode: StopMode, running: number): string {
  const attempts = plural(running, "running attempt");
  return mode === "drain" ? `Waiting for ${attempts} to finish.` : `Ending ${attempts}.`;
}

async function isGone(identity: ProcessIdentity | undefined, timeoutMs: number): Promise<boolean> {
  if (identity === undefined) return true;
  const deadline = performance.now() + timeoutMs;
  for (let waitMs = 5; judge(identity) === "alive"; waitMs = Math.min(waitMs * 2, pauseMaxMs)) {
    if (performance.now() > deadline) return false;
    await pause(waitMs);
  }
  return true;
}
