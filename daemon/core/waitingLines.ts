import { forgetIfEmpty, isStopped } from "./claimTable.ts";
import { holdingKey } from "./claims.ts";
import { isHold } from "./state.ts";
import { precedes } from "./rank.ts";
import { rankAdd, rankRemove } from "./rankHeap.ts";
import type { ClaimTable, Hindrance } from "./claimTable.ts";
import type { Party, Spot, Want } from "./claimSpot.ts";
import type { Ranked } from "./rankHeap.ts";

/**
 * Who is looked at when claims become free. Waiters that claim the same stand in one line: what stops
 * the first of them stops all. A line is stopped at one spot, in the bunch of those who want the same
 * of that spot (share it, have it alone, have so much of a resource). Holds stand in lines of their
 * own: the first of a line of tasks may be free to go and wait for a worker, which a hold does not need.
 *
 *     spot ── bunch ── line ── first, second, …
 *               │      line ── first, …
 *               └ nominee: the earliest of all, once nothing at the spot stops it any more
 *
 * Only the nominee is looked at. It starts, or something else stops it and its line moves there, or
 * it gives up: each time the spot is checked again, for the next one. So a release costs as many looks
 * as tasks can start or move on, however many wait.
 */
export type Line = Ranked & {
  readonly key: string;
  readonly parties: Party[];
  bunch: Bunch;
};

export type Bunch = Want & {
  readonly spot: Spot;
  readonly ofHolds: boolean;
  readonly lines: Line[];
  nominee: Party | null;
};

export type Lines = Map<string, Line>;

/** Tells that a party may be looked at again. */
export type Nominate = (party: Party) => void;

/** The line of those who claim the same. */
export function lineOf(lines: Lines, party: Party): Line | null {
  return party.line ?? lines.get(keyOf(party)) ?? null;
}

/** Is somebody in the line earlier? */
export function isBehind({ parties: [first] }: Line, party: Party): boolean {
  return first !== undefined && precedes(first, party);
}

export function joinLine(line: Line, party: Party): void {
  if (party.line === line) return;
  party.line = line;
  rankAdd(line.parties, party);
}

/** The party comes first in its line, and this stops it: the line moves there. */
export function stopLine(lines: Lines, party: Party, { spot, exclusive, amount }: Hindrance): void {
  const bunch = bunchAt(spot, { exclusive, amount }, isHold(party.id));
  const key = keyOf(party);
  const line = lines.get(key);
  if (line === undefined) {
    const { rank, order } = party;
    const made: Line = { key, parties: [], bunch, rank, order, position: 0 };
    lines.set(key, made);
    joinLine(made, party);
    rankAdd(bunch.lines, made);
    return;
  }
  rankRemove(line.bunch.lines, line);
  joinLine(line, party);
  rankLine(line);
  line.bunch = bunch;
  rankAdd(bunch.lines, line);
}

/** The party waits no more. Returns the bunch that its line is or was in. */
export function leaveLine(lines: Lines, party: Party): Bunch | null {
  const { line } = party;
  if (line === null) return null;
  const { bunch } = line;
  party.line = null;
  rankRemove(line.parties, party);
  rankRemove(bunch.lines, line);
  if (line.parties.length === 0) lines.delete(line.key);
  else {
    rankLine(line);
    rankAdd(bunch.lines, line);
  }
  return bunch;
}

/** The party was looked at, or is gone; or its line has moved: the bunch waits for it no more. */
export function isLookedAt(bunch: Bunch, party: Party): void {
  const { nominee } = bunch;
  if (nominee === party || nominee?.line?.bunch !== bunch) bunch.nominee = null;
}

/** Something changed at the spot: the earliest of each bunch may be free to go. */
export function checkSpot(table: ClaimTable, spot: Spot, nominate: Nominate): void {
  for (const bunch of spot.bunches.slice()) checkBunch(table, bunch, nominate);
}

export function checkBunch(table: ClaimTable, bunch: Bunch, nominate: Nominate): void {
  const first = bunch.lines[0]?.parties[0];
  if (first === undefined) {
    disband(table, bunch);
    return;
  }
  if (bunch.nominee !== null && !precedes(first, bunch.nominee)) return;
  if (isStopped(table, bunch.spot, bunch, first)) return;
  bunch.nominee = first;
  nominate(first);
}

function keyOf({ id, holding }: Party): string {
  return isHold(id) ? `${holdingKey(holding)}\0hold` : holdingKey(holding);
}

function bunchAt(spot: Spot, { exclusive, amount }: Want, ofHolds: boolean): Bunch {
  const known = spot.bunches.find(
    (bunch) =>
      bunch.exclusive === exclusive && bunch.amount === amount && bunch.ofHolds === ofHolds,
  );
  if (known !== undefined) return known;
  const made: Bunch = { spot, exclusive, amount, ofHolds, lines: [], nominee: null };
  spot.bunches.push(made);
  return made;
}

function disband(table: ClaimTable, bunch: Bunch): void {
  const { spot } = bunch;
  spot.bunches = spot.bunches.filter((one) => one !== bunch);
  forgetIfEmpty(table, spot);
}

/** A line comes as early as its first. */
function rankLine(line: Line): void {
  const [first] = line.parties;
  if (first === undefined) return;
  line.rank = first.rank;
  line.order = first.order;
}
