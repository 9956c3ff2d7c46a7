import { isFinal } from "./state.ts";
import { rejection } from "./failures.ts";
import type { Apply } from "./decide.ts";
import type { Command, Decision } from "./commands.ts";
import type { State, StoredTask, Task } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";

/** What people change about tasks that exist: each is safe to ask twice. */

export function cancelTasks(state: State, ids: readonly TaskId[], apply: Apply): Decision {
  const unknown = firstUnknown(state, ids);
  if (unknown !== null) return noSuchTask(unknown);
  const changed = ids.filter((id) => cancelOne(state, id, apply));
  return { ok: true, answer: { of: "change", changed } };
}

/** A running attempt is ended first; a landing whose branch is being moved can no longer be stopped. */
function cancelOne(state: State, id: TaskId, apply: Apply): boolean {
  const task = state.tasks.get(id);
  if (task === undefined || isFinal(task.life) || task.cancelRequested) return false;
  switch (task.life.status) {
    case "queued":
      apply({ type: "TaskCancelled", task: id });
      return true;
    case "running":
      apply({ type: "CancelRequested", task: id });
      return true;
    case "landing": {
      const { step } = task.life;
      if (step.at === "moving") return false;
      const openGate = step.at === "gate" ? step.fence : null;
      apply({ type: "LandingEnded", task: id, next: { to: "cancelled" }, openGate });
      return true;
    }
    default:
      return false;
  }
}

export function retryTasks(
  state: State,
  command: Extract<Command, { type: "retry" }>,
  apply: Apply,
): Decision {
  const unknown = firstUnknown(state, command.ids);
  if (unknown !== null) return noSuchTask(unknown);
  const stored: StoredTask[] = [];
  for (const id of command.ids) {
    const task = state.tasks.get(id) ?? command.archived.get(id);
    if (task === undefined) return noSuchTask(id);
    if (task.lastRetry === command.request) continue;
    const { status } = task.life;
    if (status !== "failed" && status !== "cancelled")
      return rejection(
        "wrong_status",
        `task ${id} is ${status}; only a failed or cancelled one can be retried`,
      );
    stored.push(task);
  }
  for (const task of stored)
    apply({ type: "TaskRetried", task: task.id, request: command.request, stored: task });
  return { ok: true, answer: { of: "change", changed: stored.map(({ id }) => id) } };
}

export function pauseTasks(state: State, ids: readonly TaskId[], apply: Apply): Decision {
  if (ids.length === 0) {
    if (!state.paused) apply({ type: "AllPaused" });
    return { ok: true, answer: { of: "change", changed: [] } };
  }
  return changeQueued(state, ids, (task) => !task.paused, "TaskPaused", apply);
}

export function resumeTasks(state: State, ids: readonly TaskId[], apply: Apply): Decision {
  if (ids.length === 0) {
    if (state.paused) apply({ type: "AllResumed" });
    return { ok: true, answer: { of: "change", changed: [] } };
  }
  return changeQueued(state, ids, (task) => task.paused, "TaskResumed", apply);
}

/** Only a queued task can be paused: an agent at work is not frozen. */
function changeQueued(
  state: State,
  ids: readonly TaskId[],
  applies: (task: Task) => boolean,
  type: "TaskPaused" | "TaskResumed",
  apply: Apply,
): Decision {
  const unknown = firstUnknown(state, ids);
  if (unknown !== null) return noSuchTask(unknown);
  for (const id of ids) {
    const status = state.tasks.get(id)?.life.status ?? state.finals.get(id)?.status;
    if (status !== "queued")
      return rejection("wrong_status", `task ${id} is ${status}; only a queued one can wait`);
  }
  const changed = ids.filter((id) => {
    const task = state.tasks.get(id);
    return task !== undefined && applies(task);
  });
  for (const task of changed) apply({ type, task });
  return { ok: true, answer: { of: "change", changed } };
}

function firstUnknown(state: State, ids: readonly TaskId[]): TaskId | null {
  return ids.find((id) => !state.tasks.has(id) && !state.finals.has(id)) ?? null;
}

function noSuchTask(id: TaskId): Decision {
  return rejection("not_found", `there is no task ${id}`);
}
