import { claimsNothing, holdingOf } from "./holding.ts";
import { currentAttempt } from "./state.ts";
import { pathsOutside } from "./claims.ts";
import { withoutGenerated } from "./generated.ts";
import type { AttemptEnded, AttemptFenced } from "./attemptFacts.ts";
import type { Earlier } from "../../ipc/workerMessages.ts";
import type { Effect } from "./effects.ts";
import type { State, Task } from "./state.ts";
import type { TaskId, WorkerId } from "../../ipc/ids.ts";

/** Of one that has just started: its lock first, then it is sent to its worker. */
export function attemptEffects(state: State, id: TaskId): Effect[] {
  const task = state.tasks.get(id);
  if (task?.life.status !== "running") return [];
  return claimsNothing(task)
    ? dispatchEffects(task)
    : [...lockEffects(task), ...dispatchEffects(task)];
}

/** The lock stays while the task lands, and then stands for what it touched besides as well. */
export function attemptEnded(state: State, event: AttemptEnded): readonly Effect[] {
  const task = state.tasks.get(event.task);
  if (event.next.to !== "landing") {
    // What a task claims only grows, so one that claims nothing now never had a lock.
    const hadNone = task !== undefined && claimsNothing(task);
    return hadNone ? [] : [{ kind: "removeLock", holder: event.task }];
  }
  if (task?.life.status !== "landing") return [];
  const declared = task.spec.claims?.writes ?? [];
  const { touched, touched_total } = task.life.saved;
  const owned = withoutGenerated(state, touched);
  const onlyDeclared =
    touched_total === touched.length && pathsOutside(owned, declared).length === 0;
  return onlyDeclared ? [] : lockEffects(task);
}

/** It runs already, so nothing is sent. */
export function lockEffectsOf(state: State, id: TaskId): Effect[] {
  const task = state.tasks.get(id);
  return task?.life.status === "running" ? lockEffects(task) : [];
}

/** One that claims nothing has no lock. */
export function lockEffects(task: Task): Effect[] {
  const attempt = currentAttempt(task);
  const { life } = task;
  if (attempt === undefined || claimsNothing(task)) return [];
  return [
    {
      kind: "placeLock",
      task: task.id,
      attempt: attempt.number,
      // A resolution has a fence of its own.
      fence: life.status === "landing" ? life.fence : attempt.fence,
      worker: attempt.worker,
      holding: holdingOf(task),
      grantedAt: attempt.startedAt,
    },
  ];
}

export function fenceEffect({ worker, task, attempt, fence }: AttemptFenced): Effect {
  return { kind: "cancelAttempt", worker, task, attempt, fence };
}

/**
 * An assignment that never arrived is sent again as the same attempt; one that was granted after the
 * worker had said what it holds (`seq`) is on its way already. A cancellation is always sent again, also
 * of an attempt that was adopted with the fence of a journal that is lost, above all of this one's.
 */
export function dispatchesTo(
  state: State,
  worker: WorkerId,
  holding: readonly number[],
  seq: number,
): Effect[] {
  const held = new Set(holding);
  return [...(state.workers.get(worker)?.held ?? [])].flatMap((id) => {
    const task = state.tasks.get(id);
    if (task?.life.status !== "running") return [];
    const { fence } = task.life;
    if (held.has(fence)) return cancelEffects(state, id);
    return fence > seq ? [] : [...dispatchEffects(task), ...cancelEffects(state, id)];
  });
}

function dispatchEffects(task: Task): Effect[] {
  const attempt = currentAttempt(task);
  if (task.life.status !== "running" || attempt === undefined) return [];
  const { worker, fence } = task.life;
  const earlier = earlierOf(task);
  return [
    {
      kind: "dispatch",
      worker,
      task: task.id,
      attempt: attempt.number,
      fence,
      spec: task.spec,
      ...(earlier === null ? {} : { earlier }),
    },
  ];
}

function earlierOf({ attempts, sentBack, spec, conflict }: Task): Earlier | null {
  const last = attempts.findLast(({ savedCommit }) => savedCommit !== null);
  const work =
    last?.savedCommit == null || last.savedRef === null
      ? null
      : { commit: last.savedCommit, ref: last.savedRef };
  const red =
    sentBack === undefined ? null : { command: sentBack.command, output: sentBack.output };
  if (work === null && red === null) return null;
  if (spec.on_conflict === undefined || conflict === undefined) return { work, red };
  const { base, commit, attempt } = conflict;
  return { work, red, continues: { base, commit, attempt } };
}

/** If its end was asked for. */
export function cancelEffects(state: State, id: TaskId): Effect[] {
  const task = state.tasks.get(id);
  const attempt = task === undefined ? undefined : currentAttempt(task);
  if (task?.life.status !== "running" || attempt === undefined || !task.cancelRequested) return [];
  const { worker, fence } = task.life;
  return [{ kind: "cancelAttempt", worker, task: id, attempt: attempt.number, fence }];
}
