import { shownPathsMax } from "./limits.ts";
import { isOpenAttempt } from "./adoption.ts";
import { decideGate } from "./gate.ts";
import { decideGenerated } from "./generation.ts";
import { conflictsMax, lostMax } from "./state.ts";
import { pathsOutside, writesEverything } from "./claims.ts";
import { retried, runOf } from "./chainEnds.ts";
import { unreachable } from "./unreachable.ts";
import { withoutGenerated } from "./generated.ts";
import type { Apply } from "./decide.ts";
import type { Command } from "./commands.ts";
import type { AttemptFailure, Outcome, Report, Saved } from "../../ipc/workerMessages.ts";
import type { Next } from "./attemptFacts.ts";
import type { Parked } from "./parked.ts";
import type { State, Task } from "./state.ts";
import type { WorkerId } from "../../ipc/ids.ts";

/**
 * What a worker's report means. It counts only from the worker that has the attempt, with the fence of
 * the one (or of the gate run) that is open; a later one changes nothing, except that work which a dead worker left behind and a fresh
 * one saved is noted with its attempt.
 */
export function decideReport(
  state: State,
  { worker, report }: Extract<Command, { type: "report" }>,
  at: number,
  apply: Apply,
): void {
  const task = state.tasks.get(report.task);
  if (task === undefined) return;
  const { life } = task;
  if (isOpenAttempt(task, worker, report)) endAttempt(state, task, report, at, apply);
  else if (life.status === "landing" && runOf(life.step) === report.fence) {
    if (life.step.at === "generating") decideGenerated(state, task, report.outcome, at, apply);
    else decideGate(state, task, report.outcome, at, apply);
  } else noteSalvage(task, report, apply);
}

/** Its process is gone: what it ran is lost, and free to run again at once. */
export function decideWorkerGone(state: State, worker: WorkerId, apply: Apply): void {
  const running = [...state.tasks.values()].filter(
    ({ life }) => life.status === "running" && life.worker === worker,
  );
  for (const task of running)
    apply({
      type: "AttemptEnded",
      task: task.id,
      result: "lost",
      failure: null,
      saved: null,
      elapsedMs: 0,
      next: afterLoss(task),
    });
  if (state.workers.has(worker)) apply({ type: "WorkerGone", worker });
}

function endAttempt(state: State, task: Task, report: Report, at: number, apply: Apply): void {
  const { outcome } = report;
  if (isOfGate(outcome)) return;
  apply({
    type: "AttemptEnded",
    task: task.id,
    result: outcome.result,
    failure: outcome.result === "failed" ? outcome.failure : null,
    saved: outcome.saved,
    elapsedMs: report.elapsed_ms,
    next: nextOf(state, task, outcome, at),
  });
}

type GateOutcome = Extract<Outcome, { result: "gate_green" | "gate_red" | "generated" }>;
type AttemptOutcome = Exclude<Outcome, GateOutcome>;

function isOfGate(outcome: Outcome): outcome is GateOutcome {
  const { result } = outcome;
  return result === "gate_green" || result === "gate_red" || result === "generated";
}

function nextOf(state: State, task: Task, outcome: AttemptOutcome, at: number): Next {
  if (task.cancelRequested) return { to: "cancelled" };
  switch (outcome.result) {
    case "done":
      return afterDone(state, task, outcome.saved);
    case "failed":
      return afterFailure(task, outcome.failure, at);
    case "ended":
      return { to: "queued", notBefore: null, because: "stopping" };
    case "lost":
      return afterLoss(task);
    default:
      return unreachable(outcome);
  }
}

function afterDone(state: State, task: Task, saved: Saved | null): Next {
  if (saved === null) return { to: "succeeded", commit: null };
  if (!saved.descends) return { to: "failed", reason: { kind: "not_descended", ref: saved.ref } };
  if (saved.unresolved !== undefined && task.conflict !== undefined)
    return afterUnresolved(task, { ...saved, unresolved: saved.unresolved }, task.conflict);
  const declared = task.spec.claims;
  if (declared === null || state.settings.outsideClaims !== "fail") return { to: "landing" };
  const paths = pathsOutside(withoutGenerated(state, saved.touched), declared.writes);
  if (paths.length > 0) return outsideClaims(paths);
  const unknown = saved.touched_total - saved.touched.length;
  return unknown === 0 || writesEverything(declared.writes)
    ? { to: "landing" }
    : outsideClaims([`(${unknown} more paths that were not looked at)`]);
}

/** The conflict that it was given is still there: as if it had met it once more. */
function afterUnresolved(
  task: Task,
  { unresolved, unresolved_total }: Required<Pick<Saved, "unresolved">> & Saved,
  { ref, ours }: Parked,
): Next {
  if (task.setbacks.conflict < conflictsMax)
    return { to: "queued", notBefore: null, because: "conflict" };
  const paths = unresolved.slice(0, shownPathsMax);
  const total = unresolved_total ?? unresolved.length;
  const more = total > paths.length ? { paths_total: total } : {};
  const met = ours === undefined ? {} : { ours };
  return { to: "failed", reason: { kind: "conflict", paths, ...more, ref, ...met } };
}

function outsideClaims(paths: string[]): Next {
  return { to: "failed", reason: { kind: "outside_claims", paths: paths.slice(0, shownPathsMax) } };
}

function afterFailure(task: Task, failure: AttemptFailure, at: number): Next {
  return retried(task, at) ?? { to: "failed", reason: { kind: "attempt", failure } };
}

function afterLoss(task: Task): Next {
  if (task.cancelRequested) return { to: "cancelled" };
  if (task.setbacks.lost >= lostMax)
    return { to: "failed", reason: { kind: "lost", attempts: task.setbacks.lost + 1 } };
  return { to: "queued", notBefore: null, because: "lost" };
}

function noteSalvage(task: Task, report: Report, apply: Apply): void {
  const { outcome } = report;
  if (!("saved" in outcome) || outcome.saved === null) return;
  const attempt = task.attempts.find(({ fence }) => fence === report.fence);
  if (attempt === undefined || attempt.savedRef !== null || attempt.result === null) return;
  apply({
    type: "AttemptSalvaged",
    task: task.id,
    attempt: attempt.number,
    saved: outcome.saved,
  });
}
