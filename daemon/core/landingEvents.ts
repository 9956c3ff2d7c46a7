import { forgetHold, forgetUnavailable, leaveChain, tipSeen } from "./chainEvents.ts";
import { landedToPush } from "./push.ts";
import { proceed } from "./life.ts";
import { currentAttempt, taskOf } from "./state.ts";
import type { LandingEnded } from "./landingFacts.ts";
import type { State, Task } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";

export function landingEnded(state: State, event: LandingEnded, at: number): void {
  const task = taskOf(state, event.task);
  if (state.landing.chain.includes(event.task)) stopLanding(state, event.task);
  state.landing.waiting.delete(event.task);
  if (state.landing.chain.length + state.landing.waiting.size === 0) forgetUnavailable(state);
  if (event.next.to === "succeeded" && event.next.commit !== null) {
    tipSeen(state, event.next.commit);
    landedToPush(state);
  }
  noteConflict(task, event);
  proceed(state, task, event.next, at);
}

/** One that is red after it resolved a conflict goes on from what the checks saw, not from before. */
function noteConflict(task: Task, { next }: LandingEnded): void {
  if (next.to !== "queued" || task.life.status !== "landing") return;
  const met = next.conflict ?? (next.red === undefined ? undefined : task.conflict);
  if (met === undefined) return;
  const { base, commit } = task.life.saved;
  const attempt = currentAttempt(task)?.number ?? 0;
  task.conflict = { ...met, base, commit, attempt };
}

/** With the landing that ran into it ended, nobody else would find out that the cause is gone. */
function stopLanding(state: State, id: TaskId): void {
  leaveChain(state, id);
  forgetHold(state);
}
