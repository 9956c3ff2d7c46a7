import { endMember } from "./chainEnds.ts";
import { inDependencyOrder } from "./dependencies.ts";
import { isMoving } from "./chain.ts";
import { isFinal, retriesOf } from "./state.ts";
import { labelsPausedMax } from "./limits.ts";
import { queuedTasksWith } from "./queue.ts";
import { rejection } from "./failures.ts";
import type { Apply } from "./decide.ts";
import type { Command, Decision } from "./commands.ts";
import type { State, StoredTask } from "./state.ts";
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
      if (isMoving(state, id)) return false;
      endMember(state, task, { to: "cancelled" }, apply);
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
  const stored = new Map<TaskId, StoredTask>();
  for (const id of command.ids) {
    const task = state.tasks.get(id) ?? command.archived.get(id);
    if (task === undefined)
      return rejection("busy", `task ${id} is just being moved out of memory`);
    // Sent again by somebody who had no answer, perhaps after others have retried it too.
    if (retriesOf(task).includes(command.request)) continue;
    const status = state.finals.get(id)?.status ?? task.life.status;
    if (status !== "failed" && status !== "cancelled")
      return rejection(
        "wrong_status",
        `task ${id} is ${status}; only a failed or cancelled one can be retried`,
      );
    stored.set(id, task);
  }
  // Those that others come after go first, so that nobody fails by one that is about to run again.
  const { order, cyclic } = inDependencyOrder([...stored.values()].map(({ spec }) => spec));
  for (const id of [...order, ...cyclic]) {
    const task = stored.get(id);
    if (task !== undefined)
      apply({ type: "TaskRetried", task: id, request: command.request, stored: task });
  }
  return { ok: true, answer: { of: "change", changed: [...stored.keys()] } };
}

/** Only a queued task can be paused: an agent at work is not frozen. */
export function pauseTasks(state: State, ids: readonly TaskId[], apply: Apply): Decision {
  const unknown = firstUnknown(state, ids);
  if (unknown !== null) return noSuchTask(unknown);
  for (const id of ids) {
    const status = state.tasks.get(id)?.life.status ?? state.finals.get(id)?.status;
    if (status !== "queued")
      return rejection("wrong_status", `task ${id} is ${status}; only a queued one can wait`);
  }
  if (ids.length === 0 && !state.paused) apply({ type: "AllPaused" });
  const changed = [...new Set(ids)].filter((id) => state.tasks.get(id)?.paused === false);
  for (const task of changed) apply({ type: "TaskPaused", task });
  return { ok: true, answer: { of: "change", changed } };
}

/** One that does not wait for this (any more) stays as it is. */
export function resumeTasks(state: State, ids: readonly TaskId[], apply: Apply): Decision {
  const unknown = firstUnknown(state, ids);
  if (unknown !== null) return noSuchTask(unknown);
  if (ids.length === 0 && state.paused) apply({ type: "AllResumed" });
  const changed = [...new Set(ids)].filter((id) => waitsPaused(state, id));
  for (const task of changed) apply({ type: "TaskResumed", task });
  return { ok: true, answer: { of: "change", changed } };
}

/** Changed are the tasks that wait with the label now; it counts for later ones as well. */
export function pauseLabel(state: State, label: string, apply: Apply): Decision {
  if (state.pausedLabels.has(label)) return { ok: true, answer: { of: "change", changed: [] } };
  if (state.pausedLabels.size >= labelsPausedMax)
    return rejection("limit", `at most ${labelsPausedMax} labels can be paused`);
  apply({ type: "LabelPaused", label });
  return { ok: true, answer: { of: "change", changed: queuedWith(state, label) } };
}

export function resumeLabel(state: State, label: string, apply: Apply): Decision {
  if (!state.pausedLabels.has(label)) return { ok: true, answer: { of: "change", changed: [] } };
  apply({ type: "LabelResumed", label });
  return { ok: true, answer: { of: "change", changed: queuedWith(state, label) } };
}

function queuedWith(state: State, label: string): TaskId[] {
  return queuedTasksWith(state, label).map((task) => task.id);
}

function waitsPaused(state: State, id: TaskId): boolean {
  const task = state.tasks.get(id);
  return task?.life.status === "queued" && task.paused;
}

function firstUnknown(state: State, ids: readonly TaskId[]): TaskId | null {
  return ids.find((id) => !state.tasks.has(id) && !state.finals.has(id)) ?? null;
}

function noSuchTask(id: TaskId): Decision {
  return rejection("not_found", `there is no task ${id}`);
}
