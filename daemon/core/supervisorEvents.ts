import { forgetRedBase } from "./chainEvents.ts";
import { pushPlaceSet } from "./push.ts";
import { wakeEverybody } from "./claimWaits.ts";
import type { CoreSettings, SupervisorStarted } from "./events.ts";
import type { State } from "./state.ts";

/**
 * A connection says nothing about the next epoch: every worker has to dial in again. What a landing
 * ran into is found out again by trying.
 */
export function supervisorStarted(state: State, event: SupervisorStarted, at: number): void {
  state.epoch = event.epoch;
  state.workers.clear();
  if (state.landing.held?.kind !== "base_red") state.landing.held = null;
  settingsChanged(state, event.settings, at);
}

/** Other repository-wide commands: what is known to be green or red by the old ones says nothing. */
export function settingsChanged(state: State, settings: CoreSettings, at: number): void {
  const before = state.settings;
  state.settings = settings;
  pushPlaceSet(state, settings);
  if (JSON.stringify(before.verify) !== JSON.stringify(settings.verify)) {
    state.landing.green.clear();
    state.landing.red.clear();
    forgetRedBase(state);
  }
  wakeEverybody(state, at);
}
