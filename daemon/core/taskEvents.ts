import { earlierRetriesMax, resolutionsMax, retriesOf } from "./state.ts";
import { parkedOf } from "./parked.ts";
import { touchedBy } from "./holding.ts";
import { holdTouched } from "./claimWaits.ts";
import { place, watchDependencies } from "./queue.ts";
import { queuedAt } from "./life.ts";
import { rankTime } from "./rank.ts";
import { withoutGenerated } from "./generated.ts";
import type { State, StoredTask, Task } from "./state.ts";
import type { TaskResolved, TaskRetried, TaskSubmitted } from "./events.ts";

export function taskSubmitted(state: State, event: TaskSubmitted, at: number, seq: number): void {
  const { spec } = event;
  const rankedAt = rankTime(state, at);
  const task: Task = {
    id: event.task,
    spec,
    digest: event.digest,
    order: seq,
    submittedAt: at,
    ...(rankedAt === at ? {} : { rankedAt }),
    life: queuedAt(at, startTime(spec.not_before, at), false),
    paused: false,
    cancelRequested: false,
    attempts: [],
    setbacks: { failure: 0, lost: 0, conflict: 0 },
    touched: [],
    lastRetry: null,
  };
  state.tasks.set(task.id, task);
  state.counts.queued += 1;
  watchDependencies(state, task);
  place(state, task, at);
}

function startTime(notBefore: Task["spec"]["not_before"], at: number): number | null {
  if (notBefore === null) return null;
  return "at_ms" in notBefore ? notBefore.at_ms : at + notBefore.delay_ms;
}

/**
 * The task starts over: its setbacks are forgotten, its attempts keep their numbers. Somebody does not
 * believe in a failure, so what is red is tested again.
 */
export function taskRetried(state: State, event: TaskRetried, at: number): void {
  state.landing.red.clear();
  const before = state.finals.get(event.task);
  if (before !== undefined) state.counts[before.status] -= 1;
  state.finals.delete(event.task);
  const { parked: _parked, conflict: _conflict, mergeRules: _rules, ...stored } = event.stored;
  const task: Task = {
    ...stored,
    life: queuedAt(at, null, false),
    paused: false,
    cancelRequested: false,
    attempts: [...event.stored.attempts],
    setbacks: { failure: 0, lost: 0, conflict: 0 },
    ...sentBackBy(event.stored),
    lastRetry: event.request,
    earlierRetries: retriesOf(event.stored).slice(-earlierRetriesMax),
  };
  state.tasks.set(task.id, task);
  state.counts.queued += 1;
  watchDependencies(state, task);
  place(state, task, at);
}

/** One that failed at the gate and is retried by a person goes back like any other. */
function sentBackBy({ life }: StoredTask): Pick<Task, "sentBack"> {
  if (life.status !== "failed" || life.reason.kind !== "gate") return {};
  const { command, failure, output } = life.reason;
  return { sentBack: { command, failure, output } };
}

/** What befell its attempts counts no more, but they stay as they are; the one that conflicted last is the one that lands. */
export function taskResolved(state: State, event: TaskResolved, at: number, seq: number): void {
  const { saved, request } = event;
  const { mergeRules: _rules, ...stored } = event.stored;
  const before = state.finals.get(event.task);
  if (before !== undefined) state.counts[before.status] -= 1;
  state.finals.delete(event.task);
  const parked = parkedOf(event.stored);
  const step = { at: "waiting", redBase: null } as const;
  const task: Task = {
    ...stored,
    life: { status: "landing", since: at, fence: seq, saved, step, resolved: true },
    paused: false,
    cancelRequested: false,
    attempts: [...stored.attempts],
    setbacks: { failure: 0, lost: 0, conflict: 0 },
    touched: [...new Set([...stored.touched, ...withoutGenerated(state, touchedBy(saved))])],
    resolutions: [...(stored.resolutions ?? []), request].slice(-resolutionsMax),
    ...(parked === null ? {} : { parked }),
  };
  state.tasks.set(task.id, task);
  state.counts.landing += 1;
  holdTouched(state, task);
  state.landing.waiting.add(task);
}
