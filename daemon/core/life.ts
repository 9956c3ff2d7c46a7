import { hold, leaveWaiting, release } from "./claimWaits.ts";
import { isFinal } from "./state.ts";
import { place, settleDependents } from "./queue.ts";
import { unreachable } from "./unreachable.ts";
import type { Life, State, Task } from "./state.ts";
import type { Next } from "./attemptFacts.ts";

/** Every change of status passes here: counts, claims and those who wait stay in step with it. */
export function enter(state: State, task: Task, life: Life, at: number): void {
  const before = task.life.status;
  state.counts[before] -= 1;
  state.counts[life.status] += 1;
  task.life = life;
  if (life.status === "running") {
    state.schedule.fairness.delete(task.id);
    hold(state, task);
  } else if (life.status !== "landing") release(state, task.id, at);
  leaveWaiting(state, task.id, at);
  if (isFinal(life)) settle(state, task, at);
}

export function proceed(state: State, task: Task, next: Next, at: number): void {
  switch (next.to) {
    case "landing":
      throw new Error("an attempt is the only way to land");
    case "succeeded":
      return enter(state, task, { status: "succeeded", since: at, commit: next.commit }, at);
    case "failed":
      return enter(state, task, { status: "failed", since: at, reason: next.reason }, at);
    case "cancelled":
      return enter(state, task, { status: "cancelled", since: at }, at);
    case "queued": {
      if (next.because !== "stopping") task.setbacks[next.because] += 1;
      if (next.red !== undefined) task.sentBack = next.red;
      enter(state, task, queuedAt(at, next.notBefore, next.because === "failure"), at);
      return place(state, task, at);
    }
    default:
      return unreachable(next);
  }
}

export function queuedAt(at: number, notBefore: number | null, backoff: boolean): Life {
  return { status: "queued", since: at, notBefore, backoff };
}

function settle(state: State, task: Task, at: number): void {
  if (!isFinal(task.life)) return;
  const commit = task.life.status === "succeeded" ? task.life.commit : null;
  state.finals.set(task.id, { digest: task.digest, status: task.life.status, commit });
  state.schedule.fairness.delete(task.id);
  state.schedule.unmet.delete(task.id);
  settleDependents(state, task.id, at);
}
