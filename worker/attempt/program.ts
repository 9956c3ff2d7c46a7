import type { AttemptFailure } from "../../ipc/workerMessages.ts";
import { unreachable } from "../../ipc/errors.ts";
import { realClock } from "../../system/clock.ts";
import { startChild } from "../child.ts";
import type { Child, ChildRequest } from "../child.ts";
import type { Place } from "../workspace/place.ts";
import type { Output } from "./output.ts";
import { outgrown, portsOf } from "./sizeWatch.ts";

/** How often the size of the output is compared with its limit. */
const outputCheckMs = 1_000;

export type ProgramLimits = {
  readonly timeoutMs: number;
  readonly graceMs: number;
  /** Of all files of `output` together. */
  readonly outputBytesMax: number;
};

export type Room = { readonly place: Place; readonly bytesMax: number };

/** Why a program is over. In every variant nothing that it started is left. */
export type ProgramEnd =
  | { readonly why: "exited"; readonly code: number }
  | { readonly why: "signalled"; readonly signal: string }
  | { readonly why: "timeout"; readonly timeoutMs: number }
  | { readonly why: "output_limit"; readonly limitBytes: number }
  | { readonly why: "workspace_size"; readonly limitBytes: number; readonly bytes: number }
  | { readonly why: "asked" }
  | { readonly why: "not_started"; readonly message: string };

export type ProgramRun = {
  readonly request: ChildRequest;
  readonly limits: ProgramLimits;
  readonly output: Output;
  /** Where it works, and how large that may get on disk; `null`: nobody looks. */
  readonly room: Room | null;
  /** Aborted when the program shall end. */
  readonly signal: AbortSignal;
  /** Called when the ending begins, also after a normal exit. */
  readonly onEnding: () => void;
};

/** Runs one program to its end, or ends it with everything it started: SIGTERM, grace, SIGKILL. */
export async function runProgram(run: ProgramRun): Promise<ProgramEnd> {
  if (run.signal.aborted) return { why: "asked" };
  const start = await startChild(run.request);
  if (!start.ok) return { why: "not_started", message: start.message };
  const { child } = start;
  const end = await firstOf(child, run);
  run.onEnding();
  const { graceMs } = run.limits;
  if (end.why === "exited" || end.why === "signalled") await child.sweep({ graceMs });
  else await child.end({ graceMs });
  return end;
}

/** `null`: it did what it should. `asked` is no failure either, but the caller's own doing. */
export function failureOf(end: ProgramEnd): AttemptFailure | null {
  switch (end.why) {
    case "exited":
      return end.code === 0 ? null : { kind: "exit", exit_code: end.code };
    case "signalled":
      return { kind: "signal", signal: end.signal };
    case "timeout":
      return { kind: "timeout", timeout_ms: end.timeoutMs };
    case "output_limit":
      return { kind: "output_limit", limit_bytes: end.limitBytes };
    case "workspace_size":
      return { kind: "workspace_size", limit_bytes: end.limitBytes, bytes: end.bytes };
    case "not_started":
      return { kind: "not_started", message: end.message };
    case "asked":
      return null;
    default:
      return unreachable(end);
  }
}

/** Whichever comes first: its own exit, the time, a limit of its output or its workspace, the request to end. */
async function firstOf(child: Child, run: ProgramRun): Promise<ProgramEnd> {
  const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
  const { timeoutMs, outputBytesMax } = run.limits;
  const timer = realClock.setTimer(timeoutMs, () => resolve({ why: "timeout", timeoutMs }));
  const check = setInterval(() => {
    if (run.output.bytes() > outputBytesMax)
      resolve({ why: "output_limit", limitBytes: outputBytesMax });
  }, outputCheckMs);
  const over = new AbortController();
  if (run.room !== null) {
    const { place, bytesMax: limitBytes } = run.room;
    void outgrown(limitBytes, portsOf(place), over.signal).then((bytes) => {
      if (bytes !== null) resolve({ why: "workspace_size", limitBytes, bytes });
    });
  }
  const asked = (): void => resolve({ why: "asked" });
  run.signal.addEventListener("abort", asked);
  if (run.signal.aborted) asked();
  void child.exited.then(({ code, signal }) =>
    resolve(
      code === null ? { why: "signalled", signal: signal ?? "unknown" } : { why: "exited", code },
    ),
  );
  try {
    return await promise;
  } finally {
    timer.cancel();
    clearInterval(check);
    over.abort();
    run.signal.removeEventListener("abort", asked);
  }
}
