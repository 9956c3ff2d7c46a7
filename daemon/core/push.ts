import type { Apply } from "./decide.ts";
import type { Command } from "./commands.ts";
import type { Effect, PushEffect } from "./effects.ts";
import type { CoreSettings, PushPlace } from "./coreSettings.ts";
import type { PushFailed, PushSucceeded } from "./events.ts";
import type { PushState } from "./landingState.ts";
import type { State } from "./state.ts";

/**
 * The outbox of what landed. Nothing is put into it: what there is to push is the difference between
 * two facts of the journal, so a crash can lose none of it.
 *
 *     landing.tip  ≠  push.accepted      push (asked again after every crash, until)
 *     the remote has it                  PushSucceeded: push.accepted = what it has
 *     it cannot be pushed                PushFailed: shown; the shell tries again after a pause
 *
 * Pushing twice changes nothing, since what is pushed is named, and so is what it is to replace.
 * When to push, and when to try again, is the shell's (daemon/outbox.ts): it depends on clock and chance.
 */
export function pushEffects(state: State): Effect[] {
  const wish = pushWish(state);
  return wish === null ? [] : [wish];
}

/** `null`: the remote has everything, or nothing is pushed. */
export function pushWish({ push, landing: { tip } }: State): PushEffect | null {
  if (push === null || tip === null || tip === push.accepted) return null;
  const { place, accepted, commits } = push;
  return { kind: "push", place, to: tip, accepted, commits };
}

/** Another place: nothing is known of what it has. */
export function pushPlaceSet(state: State, { push }: CoreSettings): void {
  const place = push ?? null;
  if (place === null) state.push = null;
  else if (state.push === null || !isSamePlace(state.push.place, place))
    state.push = { place, accepted: null, commits: 0, problem: null };
}

/** Answers of a push to a place that was left meanwhile say nothing. */
export function decidePushed(
  state: State,
  command: Extract<Command, { type: "pushed" }>,
  apply: Apply,
): void {
  const { push } = state;
  const { place, to, commits } = command;
  if (push === null || !isSamePlace(push.place, place)) return;
  if (push.accepted !== to) apply({ type: "PushSucceeded", ...place, to, commits });
}

export function decidePushFailed(
  state: State,
  { place, problem }: Extract<Command, { type: "pushFailed" }>,
  apply: Apply,
): void {
  const { push } = state;
  if (push === null || !isSamePlace(push.place, place)) return;
  const { kind, message } = problem;
  if (push.problem?.kind === kind && push.problem.message === message) return;
  apply({ type: "PushFailed", ...place, kind, message });
}

export function pushSucceeded({ push }: State, event: PushSucceeded): void {
  if (push === null || !isSamePlace(push.place, event)) return;
  push.accepted = event.to;
  push.commits = Math.max(0, push.commits - event.commits);
  push.problem = null;
}

export function pushFailed({ push }: State, { kind, message, ...place }: PushFailed): void {
  if (push !== null && isSamePlace(push.place, place)) push.problem = { kind, message };
}

export function landedToPush({ push }: State): void {
  if (push !== null) push.commits += 1;
}

export function copyOfPush(push: PushState | null): PushState | null {
  return push === null ? null : { ...push };
}

function isSamePlace(one: PushPlace, other: PushPlace): boolean {
  return one.remote === other.remote && one.branch === other.branch;
}
