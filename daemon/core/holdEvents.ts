import { askAgain, holdFor, leaveWaiting, overtake, release } from "./claimWaits.ts";
import { rankTime } from "./rank.ts";
import type { Hold, State } from "./state.ts";
import type { HoldEnded, HoldGranted, HoldRequested, LockBroken } from "./events.ts";

/**
 * What happens to a hold, applied to the state:
 *
 *     (none) ─requested─► waits ─granted─► holds ─ended─► (none)
 *                           └──────────ended──────────────▲
 *
 * A foreign claim is there already when it is noticed, so it holds at once, beside whatever it
 * overlaps with: nothing new starts under it.
 */
export function holdRequested(state: State, event: HoldRequested, at: number, seq: number): void {
  const { kind, claims, owner, note } = event;
  const rankedAt = rankTime(state, at);
  const granted = kind === "foreign" ? { fence: seq, at } : null;
  const one: Hold = {
    id: event.hold,
    kind,
    claims,
    owner,
    note,
    order: seq,
    requestedAt: at,
    ...(rankedAt === at ? {} : { rankedAt }),
    granted,
    broken: false,
  };
  state.holds.set(one.id, one);
  if (granted === null) askAgain(state, one);
  else holdFor(state, one);
}

export function holdGranted(state: State, event: HoldGranted, at: number, seq: number): void {
  const one = state.holds.get(event.hold);
  if (one === undefined) throw new Error(`${event.hold} does not wait`);
  for (const passed of event.overtook) overtake(state, passed);
  one.granted = { fence: seq, at };
  state.schedule.fairness.delete(one.id);
  holdFor(state, one);
  leaveWaiting(state, one.id, at);
}

export function holdEnded(state: State, { hold }: HoldEnded, at: number): void {
  state.holds.delete(hold);
  state.schedule.fairness.delete(hold);
  release(state, hold, at);
  leaveWaiting(state, hold, at);
}

/** Of a task it is only said; its cancellation follows. */
export function lockBroken(state: State, { holder }: LockBroken): void {
  for (const one of state.holds.values()) if (one.id === holder) one.broken = true;
}
