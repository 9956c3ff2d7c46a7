import type { DependencyFailed, Event } from "./events.ts";
import type { State } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { TaskSpec } from "../../ipc/taskSpec.ts";

/**
 * Applies an event and what follows from it: a task that comes `after` one that failed or was
 * cancelled can never start, so it fails too, and so do those after it. Walks breadth first, so a
 * long chain needs no deep stack.
 */
export function applyWithDependents(
  state: State,
  event: Event,
  apply: (event: Event) => void,
): void {
  const queue: Event[] = [event];
  for (const next of queue) {
    if (next.type === "DependencyFailed" && !isQueued(state, next.task)) continue;
    if (!("task" in next)) {
      apply(next);
      continue;
    }
    // Taken before: a task that becomes final is forgotten there.
    const dependents = state.schedule.dependents.get(next.task);
    apply(next);
    if (isQueued(state, next.task)) failWithDependency(state, next.task, queue);
    else for (const id of dependents ?? []) failWithDependency(state, id, queue);
  }
}

function failWithDependency(state: State, id: TaskId, queue: Event[]): void {
  const failed = failedDependency(state, id);
  if (failed !== null) queue.push(failed);
}

function failedDependency(state: State, id: TaskId): DependencyFailed | null {
  if (!isQueued(state, id)) return null;
  for (const dependency of state.tasks.get(id)?.spec.after ?? []) {
    const status = state.finals.get(dependency)?.status;
    if (status === "failed" || status === "cancelled")
      return { type: "DependencyFailed", task: id, dependency, status };
  }
  return null;
}

function isQueued(state: State, id: TaskId): boolean {
  return state.tasks.get(id)?.life.status === "queued";
}

/**
 * `order`: each after those of `specs` that it comes after (Kahn). `cyclic`: those that cannot be put
 * in order, because they wait for each other or for one that does.
 */
export function inDependencyOrder(specs: readonly TaskSpec[]): {
  readonly order: readonly TaskId[];
  readonly cyclic: ReadonlySet<TaskId>;
} {
  const cyclic = new Set(specs.map(({ id }) => id));
  const open = new Map<TaskId, number>();
  const dependents = new Map<TaskId, TaskId[]>();
  for (const { id, after, after_any } of specs) {
    const inside = [...after, ...after_any].filter((other) => cyclic.has(other));
    open.set(id, inside.length);
    for (const other of inside) {
      const waiting = dependents.get(other);
      if (waiting === undefined) dependents.set(other, [id]);
      else waiting.push(id);
    }
  }
  const order = [...cyclic].filter((id) => open.get(id) === 0);
  for (const id of order) {
    cyclic.delete(id);
    for (const dependent of dependents.get(id) ?? []) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) order.push(dependent);
    }
  }
  return { order, cyclic };
}
