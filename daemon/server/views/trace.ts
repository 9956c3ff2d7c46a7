import { holdingOf, touchedBy } from "../../core/holding.ts";
import { optimisticToken } from "../../core/claims.ts";
import { attemptView } from "./task.ts";
import { eventView } from "./event.ts";
import type { Recorded } from "../../core/events.ts";
import type { ServerContext, Written } from "../context.ts";
import type { StoredTask } from "../../core/state.ts";
import type { TraceEvent, TraceView } from "../../../ipc/historyViews.ts";

const eventsMax = 2_000;

export function traceView(
  task: StoredTask,
  written: readonly Written[],
  known: {
    readonly folder: ServerContext["attemptFolder"];
    readonly followedAt: number | null;
  },
): TraceView {
  const { spec, life } = task;
  const events = traceEvents(task, written);
  const omitted = Math.max(0, events.length - eventsMax);
  return {
    id: task.id,
    title: spec.title,
    objective: spec.objective,
    decision: spec.decision,
    labels: spec.labels,
    status: life.status,
    submitted_at: task.submittedAt,
    commit: life.status === "succeeded" ? life.commit : null,
    reason: life.status === "failed" ? life.reason : null,
    attempt_list: task.attempts.map((attempt) => attemptView(task.id, attempt, known.folder)),
    // How it began and how it ended matter more than the middle.
    events: omitted === 0 ? events : [...events.slice(0, 1), ...events.slice(1 + omitted)],
    events_omitted: omitted,
    followed_at: known.followedAt,
  };
}

/** Walks through the life once, keeping in mind which attempt runs and what it holds. */
function traceEvents(task: StoredTask, written: readonly Written[]): TraceEvent[] {
  const first = written[0]?.at ?? task.submittedAt;
  let touched: readonly string[] = [];
  let attempt: Pick<TraceEvent, "attempt" | "worker" | "fence"> = noAttempt;
  let held: string[] = [];
  return written.map((one) => {
    const { event, at, epoch } = one;
    let granted: string[] = [];
    let released: string[] = [];
    const begun = begunBy(task, one);
    if (begun !== null) {
      attempt = begun;
      granted = held = claimsOf(task, touched);
    }
    if (event.type === "AttemptEnded") {
      const saved = event.saved === null ? [] : touchedBy(event.saved);
      touched = [...new Set([...touched, ...saved])];
    }
    if (isEnd(one)) [released, held] = [held, []];
    const { detail, ...view } = eventView(one);
    return {
      ...view,
      detail: short(detail),
      epoch,
      elapsed_ms: at - first,
      ...attempt,
      granted,
      released,
    };
  });
}

/** Its number stands with the task: one that was only fenced has a number as well. */
function begunBy(
  task: StoredTask,
  { event, seq }: Recorded,
): Pick<TraceEvent, "attempt" | "worker" | "fence"> | null {
  if (event.type !== "AttemptStarted" && event.type !== "AttemptAdopted") return null;
  const fence = event.type === "AttemptAdopted" ? event.fence : seq;
  const known = task.attempts.find((attempt) => attempt.fence === fence);
  return { attempt: known?.number ?? null, worker: event.worker, fence };
}

/** One attempt can touch ten thousand paths, and a life has many attempts; the commit has them all. */
function short(detail: TraceEvent["detail"]): TraceEvent["detail"] {
  const { saved } = detail;
  if (typeof saved !== "object" || saved === null || !("touched" in saved)) return detail;
  const touched = Array.isArray(saved.touched) ? saved.touched.slice(0, pathsMax) : [];
  return { ...detail, saved: { ...saved, touched } };
}

const pathsMax = 100;
const noAttempt = { attempt: null, worker: null, fence: null } as const;

/** Claims last until the task has landed, failed or gone back to the queue. */
function isEnd({ event }: Recorded): boolean {
  if (event.type === "TaskCancelled" || event.type === "LandingEnded") return true;
  return event.type === "AttemptEnded" && event.next.to !== "landing";
}

function claimsOf(task: StoredTask, touched: readonly string[]): string[] {
  const { writes, reads, resources, optimistic } = holdingOf({ ...task, touched });
  const named = Object.entries(resources).map(([name, amount]) => `${name} × ${amount}`);
  return [...writes, ...reads, ...named, ...(optimistic ? [optimisticToken] : [])];
}
