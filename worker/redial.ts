import { setTimeout as pause } from "node:timers/promises";
import { dial } from "../ipc/dial.ts";
import { failure, FailureError } from "../ipc/errors.ts";
import type { Failure } from "../ipc/errors.ts";
import { readSupervisorRecord } from "../ipc/locate.ts";
import type { Peer } from "../ipc/peer.ts";
import type { WorkerHello, WorkerSettings } from "../ipc/workerMessages.ts";
import type { Log } from "./log.ts";

/**
 * The worker's side of its connection, from its start to its end:
 *
 *     dialling ──hello answered──► connected ──lost──► dialling (after 50 ms, doubling up to 2 s)
 *        └──hello refused, or another version──► over        └──signal aborted──► over
 *
 * `supervisor.json` is read again for every dial, because the next supervisor may listen elsewhere.
 */
export type RedialOptions = {
  /** `<common-dir>/orchd`. */
  readonly stateDir: string;
  /** Made anew for every dial: what the worker holds changes. */
  readonly hello: () => WorkerHello;
  readonly onConnected: (peer: Peer, settings: WorkerSettings) => void;
  readonly onLost: () => void;
  readonly onNotification: (method: string, params: unknown) => void;
  readonly signal: AbortSignal;
  readonly log: Log;
};

const pauseMsMin = 50;
const pauseMsMax = 2_000;

/** Resolves when it is over: with the supervisor's refusal, or `null` when the signal was aborted. */
export async function stayConnected(options: RedialOptions): Promise<Failure | null> {
  const { signal, log } = options;
  let pauseMs = pauseMsMin;
  while (!signal.aborted) {
    const reason = await connectOnce(options);
    if (reason === "was connected") pauseMs = pauseMsMin;
    else if (reason.code === "refused" || reason.code === "version_mismatch") return reason;
    else if (pauseMs === pauseMsMin) log("no supervisor answers", { code: reason.code });
    await pause(pauseMs, undefined, { signal }).catch(() => {});
    pauseMs = Math.min(pauseMs * 2, pauseMsMax);
  }
  return null;
}

/** Stays as long as the connection does. Answers why there was none. */
async function connectOnce(options: RedialOptions): Promise<Failure | "was connected"> {
  const record = readSupervisorRecord(options.stateDir);
  if (record === null) return failure("no_supervisor", "There is no supervisor.json.");
  const early: (readonly [string, unknown])[] = [];
  let hear = (method: string, params: unknown): void => void early.push([method, params]);
  try {
    const { peer, welcome } = await dial({
      socket: record.socket,
      hello: options.hello(),
      signal: options.signal,
      handlers: {
        onRequest: (method) => {
          throw new FailureError(failure("invalid_request", `A worker answers no ${method}.`));
        },
        // An assignment may arrive together with the answer to the hello, before its settings are known.
        onNotification: (method, params) => hear(method, params),
        onEnd: () => {},
        onBug: (error, method) => options.log("a bug", { method, error: String(error) }),
      },
    });
    options.onConnected(peer, welcome as WorkerSettings);
    hear = options.onNotification;
    for (const [method, params] of early) hear(method, params);
    await closedOrAborted(peer, options.signal);
    options.onLost();
    return "was connected";
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    throw error;
  }
}

async function closedOrAborted(peer: Peer, signal: AbortSignal): Promise<void> {
  const close = (): void => peer.close();
  signal.addEventListener("abort", close);
  if (signal.aborted) close();
  await peer.closed;
  signal.removeEventListener("abort", close);
}
