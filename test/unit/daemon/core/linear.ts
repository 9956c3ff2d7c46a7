import { claimConflict, compileHolding } from "../../../../daemon/core/claims.ts";
import { holdingOf } from "../../../../daemon/core/state.ts";
import { isReady, live } from "./oracle.ts";
import { precedes, rankAndOrder } from "../../../../daemon/core/rank.ts";
import type { CompiledHolding } from "../../../../daemon/core/claims.ts";
import type { State, Task } from "../../../../daemon/core/state.ts";
import type { TaskId } from "../../../../ipc/ids.ts";

/**
 * The rules of starting, as one loop over everybody: no trie, no lines, no waking. It looks at every
 * ready task in order, compares its claims with those of every holder and of every earlier waiter,
 * and remembers only who waits, since when, and how often it was passed.
 */
export class LinearSchedule {
  readonly #fairness = new Map<TaskId, { readonly since: number; overtaken: number }>();
  /** Found to be stopped, and waiting ever since. */
  readonly #stopped = new Set<TaskId>();

  /** Those who wait no more; a task that was paused keeps its patience, one that ran does not. */
  forget(state: State): void {
    for (const id of this.#fairness.keys())
      if (state.tasks.get(id)?.life.status !== "queued") this.#fairness.delete(id);
    for (const id of this.#stopped)
      if (!this.#fairness.has(id) || isPaused(state, id)) this.#stopped.delete(id);
  }

  /** What may start now, in order, and whom each passes. Changes nothing but its memory. */
  round(state: State, at: number, places: number): Start[] {
    const starts: Start[] = [];
    const holders = live(state).map((task) => ({ id: task.id, holding: compiled(task) }));
    for (const task of readyInOrder(state, at)) {
      if (starts.length >= places) break;
      const passed = this.#passedBy(state, task, holders, at);
      if (passed === null) {
        this.#stopped.add(task.id);
        if (!this.#fairness.has(task.id)) this.#fairness.set(task.id, { since: at, overtaken: 0 });
        continue;
      }
      for (const id of passed) {
        const fairness = this.#fairness.get(id);
        if (fairness !== undefined) fairness.overtaken += 1;
      }
      this.#fairness.delete(task.id);
      this.#stopped.delete(task.id);
      holders.push({ id: task.id, holding: compiled(task) });
      starts.push({ task: task.id, overtook: passed.toSorted() });
    }
    return starts;
  }

  #passedBy(
    state: State,
    task: Task,
    holders: readonly { readonly id: TaskId; readonly holding: CompiledHolding }[],
    at: number,
  ): TaskId[] | null {
    const mine = compiled(task);
    if (holders.some(({ holding }) => claimConflict(mine, holding) !== null)) return null;
    if (lacks(state, mine, holders)) return null;
    const passed: TaskId[] = [];
    for (const id of this.#stopped) {
      const other = state.tasks.get(id);
      if (other === undefined || !precedes(rankAndOrder(other), rankAndOrder(task))) continue;
      if (!meet(mine, compiled(other))) continue;
      const fairness = this.#fairness.get(id);
      if (fairness === undefined || fairness.overtaken >= 4) return null;
      if (at - fairness.since >= state.settings.fairnessWindowMs) return null;
      passed.push(id);
    }
    return passed;
  }
}

export type Start = { readonly task: TaskId; readonly overtook: readonly TaskId[] };

function isPaused({ tasks, pausedLabels }: State, id: TaskId): boolean {
  const task = tasks.get(id);
  return task?.paused === true || task?.spec.labels.some((one) => pausedLabels.has(one)) === true;
}

function readyInOrder(state: State, at: number): Task[] {
  return [...state.tasks.values()]
    .filter((task) => isReady(state, task, at))
    .toSorted((a, b) => (precedes(rankAndOrder(a), rankAndOrder(b)) ? -1 : 1));
}

function compiled(task: Task): CompiledHolding {
  return compileHolding(holdingOf(task));
}

function meet(mine: CompiledHolding, theirs: CompiledHolding): boolean {
  if (claimConflict(mine, theirs) !== null) return true;
  return [...mine.resources.keys()].some((resource) => theirs.resources.has(resource));
}

function lacks(
  state: State,
  mine: CompiledHolding,
  holders: readonly { readonly holding: CompiledHolding }[],
): boolean {
  return [...mine.resources].some(([resource, count]) => {
    const held = holders.reduce(
      (sum, { holding }) => sum + (holding.resources.get(resource) ?? 0),
      0,
    );
    return held > 0 && held + count > (state.settings.resources[resource] ?? 1);
  });
}
