import { forgetHold, forgetRedBase, forgetUnavailable } from "./chainEvents.ts";
import { pushPlaceSet } from "./push.ts";
import { wakeEverybody } from "./claimWaits.ts";
import type { CoreSettings } from "./coreSettings.ts";
import type { SupervisorStarted } from "./events.ts";
import type { State } from "./state.ts";

/**
 * A connection says nothing about the next epoch: every worker has to dial in again. What a landing
 * ran into is found out again by trying.
 */
export function supervisorStarted(state: State, event: SupervisorStarted, at: number): void {
  state.epoch = event.epoch;
  state.workers.clear();
  forgetHold(state);
  settingsChanged(state, event.settings, at);
}

/** What is known of trees was found out by commands, and says nothing about others. */
export function settingsChanged(state: State, settings: CoreSettings, at: number): void {
  const before = state.settings;
  state.settings = settings;
  pushPlaceSet(state, settings);
  if (!sameChecks(before, settings)) {
    state.landing.green.clear();
    state.landing.red.clear();
    forgetRedBase(state);
    forgetUnavailable(state);
  }
  if (!sameGeneration(before, settings)) state.landing.generated.clear();
  wakeEverybody(state, at);
}

/** Whether a tree that was green or red before is so still: the same commands, in the same surroundings. */
export function sameChecks(before: CoreSettings, now: CoreSettings): boolean {
  return before.ground === now.ground && same(before.verify, now.verify);
}

/** The same of what makes generated files. */
export function sameGeneration(before: CoreSettings, now: CoreSettings): boolean {
  return before.ground === now.ground && same(before.generated, now.generated);
}

function same(before: unknown, now: unknown): boolean {
  return JSON.stringify(before) === JSON.stringify(now);
}
