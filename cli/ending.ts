import { setTimeout as pause } from "node:timers/promises";
import { failure, FailureError } from "../ipc/errors.ts";
import { identityOf, judge } from "../system/processIdentity.ts";
import type { ProcessIdentity } from "../system/processIdentity.ts";
import type { Methods } from "../ipc/methods.ts";
import { isRecord } from "../ipc/message.ts";
import { plain, plural } from "./render/text.ts";
import type { Session, Supervisor } from "./session.ts";

/**
 * Ends the supervisor and waits until its process is gone, not only its connection: whoever starts
 * another one right after must find the repository free.
 */
export type StopMode = Methods["stop"]["params"]["mode"];
export type Ended = {
  readonly pid: number;
  readonly ended: number;
  /** Of a drain: why landing was held last; what waited for it lands after the next start. */
  readonly held: string | null;
};
type Stopping = Methods["stop"]["result"];

const nowTimeoutMs = 90_000;
const drainTimeoutMs = 24 * 60 * 60 * 1000;
const pauseMaxMs = 100;
const replaceHint =
  "If it hangs, `orchd start --replace` kills it and starts another; agents run on.";

/** Rejects with a `FailureError`: `no_supervisor`, or `refused` when the process would not go. */
export async function endSupervisor(
  session: Session,
  mode: StopMode,
  timeoutMs: number = mode === "drain" ? drainTimeoutMs : nowTimeoutMs,
): Promise<Ended> {
  const client = await session.connect();
  const { pid } = client.supervisor;
  const identity = identityOf(pid);
  const holding = mode === "drain" ? await watchLanding(client, session) : null;
  const { running, held } = await runningAtStop(client, mode);
  if (running > 0 && mode !== "restart") session.remark(remarkOf(mode, running));
  if (holding !== null && held !== null) holding.tell(held);
  if (!(await isGone(identity, timeoutMs))) {
    const hint = replaceHint;
    throw new FailureError(failure("refused", `The supervisor (pid ${pid}) still runs.`, { hint }));
  }
  return { pid, ended: mode === "drain" ? 0 : running, held: holding?.last() ?? null };
}

/** A supervisor with nothing to end can be gone before its answer has left. */
async function runningAtStop(client: Supervisor, mode: StopMode): Promise<Stopping> {
  try {
    return await client.call("stop", { mode });
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === "connection_lost")
      return { running: 0, held: null };
    throw error;
  }
}

/** A drain may take long: whoever waits is told why landing does not go on, and when it does. */
async function watchLanding(client: Supervisor, session: Session) {
  let last: string | null = null;
  const tell = (reason: string): void => {
    if (reason === last) return;
    last = reason;
    session.remark(`Landing is held: ${plain(reason)}. What cannot land waits for the next start.`);
  };
  await client.subscribe(null, ({ name, detail }) => {
    if (name === "landing:released") last = null;
    const reason = name === "landing:held" ? detail["reason"] : null;
    if (isRecord(reason)) tell(String(reason["message"]));
    if (name === "landing:base_red") tell(String(detail["message"]));
  });
  return { tell, last: () => last };
}

export function endedSentence({ pid, ended, held }: Ended): string {
  if (held !== null)
    return `Stopped (pid ${pid}). Landing was held; what waits for it goes on after the next start.`;
  if (ended === 0) return `Stopped (pid ${pid}).`;
  const tasks = plural(ended, "running attempt");
  return `Stopped (pid ${pid}); ended ${tasks}, which ${ended === 1 ? "runs" : "run"} again after the next start.`;
}

function remarkOf(mode: Exclude<StopMode, "restart">, running: number): string {
  const attempts = plural(running, "running attempt");
  return mode === "drain" ? `Waiting for ${attempts} to finish.` : `Ending ${attempts}.`;
}

/** Whether that very process has ended, within the time. */
export async function isGone(
  identity: ProcessIdentity | undefined,
  timeoutMs: number,
): Promise<boolean> {
  if (identity === undefined) return true;
  const deadline = performance.now() + timeoutMs;
  for (let waitMs = 5; judge(identity) === "alive"; waitMs = Math.min(waitMs * 2, pauseMaxMs)) {
    if (performance.now() > deadline) return false;
    await pause(waitMs);
  }
  return true;
}
