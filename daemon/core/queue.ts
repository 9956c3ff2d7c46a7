import { heapPush } from "./heap.ts";
import { isInstant, isPaused } from "./state.ts";
import { rankOf } from "./rank.ts";
import type { State, Task } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";

/** Puts a queued task where it belongs at time `at`, unless it waits for others to be final. */
export function place(state: State, task: Task, at: number): void {
  const { schedule } = state;
  if (task.life.status !== "queued" || schedule.unmet.has(task.id)) return;
  if (isPaused(state, task)) return;
  const { notBefore } = task.life;
  if (notBefore !== null && !isDue(task, at))
    heapPush(schedule.timers, { rank: notBefore, order: task.order, key: task.id });
  else
    heapPush(isInstant(task.spec) ? schedule.instants : schedule.ordinary, {
      rank: rankOf(task),
      order: task.order,
      key: task.id,
    });
}

/** Not so when the clock was set back since it was listed, or one of `after_any` was retried. */
export function isReady(state: State, task: Task, at: number): boolean {
  return (
    task.life.status === "queued" &&
    isDue(task, at) &&
    task.spec.after_any.every((id) => state.finals.has(id))
  );
}

/**
 * May the queued task go, as far as time is concerned? A wait of some length (a backoff, a delay) is
 * over as well when the clock shows a time before it began: the clock was set back, nobody knows how
 * long the wait has lasted, and by the clock it could take years.
 */
export function isDue({ life, spec }: Task, at: number): boolean {
  if (life.status !== "queued" || life.notBefore === null || life.notBefore <= at) return true;
  const hasLength = life.backoff || (spec.not_before !== null && "delay_ms" in spec.not_before);
  return hasLength && at < life.since;
}

export function queuedTasksWith(state: State, label: string): Task[] {
  return [...state.tasks.values()].filter(
    ({ life, spec }) => life.status === "queued" && spec.labels.includes(label),
  );
}

export function dependenciesOf(task: Task): ReadonlySet<TaskId> {
  return new Set([...task.spec.after, ...task.spec.after_any]);
}

/** Counts the unfinished tasks this one comes after, and asks to be told when they are final. */
export function watchDependencies(state: State, task: Task): void {
  let unmet = 0;
  for (const id of dependenciesOf(task)) {
    if (state.finals.has(id)) continue;
    unmet += 1;
    const dependents = state.schedule.dependents.get(id);
    if (dependents === undefined) state.schedule.dependents.set(id, new Set([task.id]));
    else dependents.add(task.id);
  }
  if (unmet > 0) state.schedule.unmet.set(task.id, unmet);
}

/** A task is final: those that come after it may be free to go. */
export function settleDependents(state: State, id: TaskId, at: number): void {
  const { dependents, unmet } = state.schedule;
  const waiting = dependents.get(id);
  if (waiting === undefined) return;
  dependents.delete(id);
  for (const waiter of waiting) {
    const left = (unmet.get(waiter) ?? 1) - 1;
    if (left > 0) {
      unmet.set(waiter, left);
      continue;
    }
    unmet.delete(waiter);
    const task = state.tasks.get(waiter);
    if (task !== undefined) place(state, task, at);
  }
}
