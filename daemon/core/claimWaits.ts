import {
  changeStanding,
  dueAgainst,
  givePlacesUp,
  heldAgainst,
  makeParty,
  passedBy,
  takePlaces,
  whoStops,
} from "./claimTable.ts";
import {
  checkBunch,
  checkSpot,
  isBehind,
  isLookedAt,
  joinLine,
  leaveLine,
  lineOf,
  stopLine,
} from "./waitingLines.ts";
import { claimsNothing, holdingOf, holdingOfHold } from "./holding.ts";
import { isHold } from "./state.ts";
import { compileHolding } from "./claims.ts";
import { due, held, patient } from "./claimSpot.ts";
import { heapPeek, heapPop, heapPush } from "./heap.ts";
import { isReady, place, watchDependencies } from "./queue.ts";
import { rankAndOrder, rankOfHold } from "./rank.ts";
import type { Fairness } from "./scheduleIndex.ts";
import type { Hindrance } from "./claimTable.ts";
import type { Party, Spot, Standing } from "./claimSpot.ts";
import type { Hold, State, Task } from "./state.ts";
import type { HolderId } from "../../ipc/ids.ts";

/** A waiter may be passed by later tasks with overlapping claims this often, and no longer than the fairness window. */
export const overtakenMax = 4;

/** What stands in the way of these claims right now, and which waiters would be passed. */
export type Look =
  | { readonly free: true; readonly overtook: readonly HolderId[] }
  | { readonly free: false; readonly party: Party; readonly hindrance: Hindrance };

export function lookAtClaims(state: State, task: Task): Look {
  return lookAt(state, partyOf(state, task));
}

export function lookAtHold(state: State, one: Hold): Look {
  return lookAt(state, partyOfHold(state, one));
}

function lookAt({ schedule }: State, party: Party): Look {
  const { table } = schedule;
  const hindrance = heldAgainst(table, party.holding) ?? dueAgainst(table, party.holding, party);
  if (hindrance !== null) return { free: false, party, hindrance };
  schedule.looked = party;
  return { free: true, overtook: passedBy(table, party.holding, party).map(({ id }) => id) };
}

/** It becomes a waiter, or stays one, stopped by what was found. */
export function block(
  state: State,
  { party, hindrance }: Extract<Look, { free: false }>,
  at: number,
): void {
  const { schedule } = state;
  if (!schedule.waiters.has(party.id)) startWaiting(state, party, at);
  schedule.blocked.set(party.id, party);
  const line = lineOf(schedule.lines, party);
  const before = line?.bunch ?? null;
  if (line !== null && isBehind(line, party)) joinLine(line, party);
  else stopLine(schedule.lines, party, hindrance);
  if (before === null) return;
  isLookedAt(before, party);
  checkBunch(schedule.table, before, nominator(state, at));
}

/** It does not wait for claims any more: it holds them, or it was cancelled, paused or sent back. */
export function leaveWaiting(state: State, id: HolderId, at: number): void {
  const { table, waiters, blocked, lines, holders } = state.schedule;
  const party = waiters.get(id);
  if (party === undefined) return;
  waiters.delete(id);
  blocked.delete(id);
  const bunch = leaveLine(lines, party);
  if (bunch !== null) isLookedAt(bunch, party);
  const holds = holders.get(id) === party;
  const spots = holds ? party.places.map(({ spot }) => spot) : givePlacesUp(table, party);
  if (bunch !== null) checkBunch(table, bunch, nominator(state, at));
  checkSpots(state, spots, at);
}

/** A ready task turned out not to be: it goes where it belongs now, and nobody waits behind it. */
export function sendBack(state: State, task: Task, at: number): void {
  watchDependencies(state, task);
  place(state, task, at);
  leaveWaiting(state, task.id, at);
}

/** The attempt holds its claims from now on. */
export function hold(state: State, task: Task): void {
  if (claimsNothing(task)) return;
  const { looked } = state.schedule;
  holdBy(state, looked?.id === task.id ? looked : partyOf(state, task));
}

/** The hold has its claims from now on. */
export function holdFor(state: State, one: Hold): void {
  holdBy(state, partyOfHold(state, one));
}

/** Who waits has places already. */
function holdBy({ schedule }: State, party: Party): void {
  const { table, holders } = schedule;
  schedule.looked = null;
  if (party.places.length > 0) changeStanding(table, party, held);
  else takePlaces(table, party, held);
  holders.set(party.id, party);
}

/** Until it has landed it also holds what it touched: nobody starts on a base without that. */
export function holdTouched(state: State, task: Task): void {
  if (claimsNothing(task)) return;
  const { table, holders } = state.schedule;
  const before = holders.get(task.id);
  const party = partyOf(state, task);
  takePlaces(table, party, held);
  holders.set(task.id, party);
  if (before !== undefined) givePlacesUp(table, before);
}

export function release(state: State, id: HolderId, at: number): void {
  const { table, holders } = state.schedule;
  const party = holders.get(id);
  if (party === undefined) return;
  holders.delete(id);
  checkSpots(state, givePlacesUp(table, party), at);
}

/** A later one passes this one. */
export function overtake({ schedule }: State, id: HolderId): void {
  const fairness = schedule.fairness.get(id);
  if (fairness === undefined) return;
  fairness.overtaken += 1;
  const party = schedule.waiters.get(id);
  if (party !== undefined && fairness.overtaken === overtakenMax)
    changeStanding(schedule.table, party, due);
}

/** Those who have waited for the fairness window may not be passed any more. */
export function endPatience(state: State, at: number): void {
  const { patience, waiters, fairness, table } = state.schedule;
  const until = at - state.settings.fairnessWindowMs;
  for (let next = heapPeek(patience); next !== undefined; next = heapPeek(patience)) {
    if (next.rank > until) return;
    heapPop(patience);
    const party = waiters.get(next.key);
    if (party !== undefined && fairness.get(next.key)?.since === next.rank)
      changeStanding(table, party, due);
  }
}

/** What may be had has changed: everybody who waits for claims is looked at again. */
export function wakeEverybody(state: State, at: number): void {
  const { table, waiters, blocked, fairness, patience } = state.schedule;
  table.capacities = state.settings.resources;
  patience.entries.length = 0;
  for (const [id, party] of waiters) {
    const waits = fairness.get(id);
    if (waits === undefined) continue;
    changeStanding(table, party, standingOf(state, waits, at));
    heapPush(patience, { rank: waits.since, order: party.order, key: id });
  }
  const woken = [...blocked.keys()];
  blocked.clear();
  for (const id of woken) {
    if (isHold(id)) askAgain(state, state.holds.get(id));
    else {
      const task = state.tasks.get(id);
      if (task !== undefined) place(state, task, at);
    }
  }
}

/** The hold may be free to go: it is looked at again. */
export function askAgain({ schedule }: State, one: Hold | undefined): void {
  if (one !== undefined) heapPush(schedule.asking, { ...rankOfHold(one), key: one.id });
}

/** Who waits for claims because of this holder, as `whyWaiting` would say of each. */
export function waitersBehind({ schedule }: State, id: HolderId): HolderId[] {
  const behind = new Set<HolderId>();
  const spots = new Set(schedule.holders.get(id)?.places.map(({ spot }) => spot));
  for (const { bunches } of spots)
    for (const bunch of bunches)
      for (const line of bunch.lines) {
        if (whoStops(bunch, line)?.id !== id) continue;
        for (const party of line.parties) if (schedule.blocked.has(party.id)) behind.add(party.id);
      }
  return [...behind];
}

function partyOf(state: State, task: Task): Party {
  const waiting = state.schedule.waiters.get(task.id);
  if (waiting !== undefined) return waiting;
  return makeParty(task.id, rankAndOrder(task), compileHolding(holdingOf(task)));
}

function partyOfHold(state: State, one: Hold): Party {
  const waiting = state.schedule.waiters.get(one.id);
  return waiting ?? makeParty(one.id, rankOfHold(one), compileHolding(holdingOfHold(one)));
}

function startWaiting(state: State, party: Party, at: number): void {
  const { table, waiters, fairness, patience } = state.schedule;
  const waits = fairness.get(party.id) ?? { since: at, overtaken: 0 };
  fairness.set(party.id, waits);
  waiters.set(party.id, party);
  takePlaces(table, party, standingOf(state, waits, at));
  heapPush(patience, { rank: waits.since, order: party.order, key: party.id });
}

function standingOf(state: State, { since, overtaken }: Fairness, at: number): Standing {
  const isPatient = overtaken < overtakenMax && at - since < state.settings.fairnessWindowMs;
  return isPatient ? patient : due;
}

function checkSpots(state: State, spots: readonly Spot[], at: number): void {
  for (const spot of spots)
    if (spot.bunches.length > 0) checkSpot(state.schedule.table, spot, nominator(state, at));
}

/** One that is not ready after all makes room for the next. */
function nominator(state: State, at: number): (party: Party) => void {
  return ({ id }) => {
    state.schedule.blocked.delete(id);
    if (isHold(id)) return askAgain(state, state.holds.get(id));
    const task = state.tasks.get(id);
    if (task === undefined) return;
    if (isReady(state, task, at)) place(state, task, at);
    else sendBack(state, task, at);
  };
}
