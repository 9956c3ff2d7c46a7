import type { DependencyFailed, Event } from "./events.ts";
import type { State } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";

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
    const dependents = "task" in next ? [...(state.schedule.dependents.get(next.task) ?? [])] : [];
    apply(next);
    if (!("task" in next)) continue;
    for (const id of isQueued(state, next.task) ? [next.task] : dependents) {
      const failed = failedDependency(state, id);
      if (failed !== null) queue.push(failed);
    }
  }
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
