import {
  due,
  firstAgainst,
  held,
  isDueBefore,
  isHeldAgainst,
  makeSpot,
  patient,
  stand,
  step,
  visitAgainst,
} from "./claimSpot.ts";
import { lookFor } from "./claimLook.ts";
import { makeTrie, removeIfEmpty, spotOf, tally } from "./claimTrie.ts";
import { precedes } from "./rank.ts";
import type { Alternative, Pattern } from "./glob.ts";
import type { CompiledHolding } from "./claims.ts";
import type { Look } from "./claimSteps.ts";
import type { Party, Place, Spot, Standing, Want } from "./claimSpot.ts";
import type { Rank } from "./rank.ts";
import type { HolderId } from "../../ipc/ids.ts";
import type { Trie } from "./claimTrie.ts";

/**
 * Who holds which claims, and who waits for which: paths, folders and globs in a trie, counted
 * resources beside it, and the token of undeclared work (shared by those who declare nothing, alone
 * for who writes `**`). A party takes all of its places in one step, or none.
 */
export type ClaimTable = {
  readonly trie: Trie;
  readonly undeclared: Spot;
  readonly resources: Map<string, Spot>;
  /** Everybody who waits stands here too: the first tells whether anybody earlier waits at all. */
  readonly waiting: Spot;
  /** How much there is of each resource; one of those not named. */
  capacities: Readonly<Record<string, number>>;
};

/** What stops a party: the spot, and what it wanted of it. */
export type Hindrance = Want & { readonly spot: Spot };

export function makeClaimTable(): ClaimTable {
  return {
    trie: makeTrie(),
    undeclared: makeSpot(null, null, ""),
    resources: new Map(),
    waiting: makeSpot(null, null, ""),
    capacities: {},
  };
}

export function makeParty(id: HolderId, { rank, order }: Rank, holding: CompiledHolding): Party {
  return { id, rank, order, position: 0, holding, places: [], line: null };
}

/** Takes all places at once, with this standing. */
export function takePlaces(table: ClaimTable, party: Party, standing: Standing): void {
  const { holding } = party;
  if (standing !== held) add(party, table.waiting, standing, true, 0);
  addAll(table, party, holding.writes, standing, true);
  addAll(table, party, holding.reads, standing, false);
  if (holding.optimistic || holding.wholeRepository)
    add(party, table.undeclared, standing, holding.wholeRepository, 0);
  for (const [resource, amount] of holding.resources)
    add(party, resourceSpot(table, resource), standing, true, amount);
  for (const place of party.places) tally(place, 1);
}

/** A waiter is granted its places, or may not be passed any more. */
export function changeStanding(table: ClaimTable, party: Party, standing: Standing): void {
  const kept: Place[] = [];
  for (const place of party.places) {
    step(place);
    tally(place, -1);
    if (place.spot === table.waiting && standing === held) continue;
    place.standing = standing;
    stand(place);
    tally(place, 1);
    kept.push(place);
  }
  party.places = kept;
}

/** Gives up all places; the spots come back, for those who are stopped there. */
export function givePlacesUp(table: ClaimTable, party: Party): Spot[] {
  const spots = party.places.map((place) => {
    step(place);
    tally(place, -1);
    return place.spot;
  });
  party.places = [];
  for (const spot of spots) forgetIfEmpty(table, spot);
  return spots;
}

export function forgetIfEmpty({ trie }: ClaimTable, spot: Spot): void {
  removeIfEmpty(trie, spot);
}

/** A spot that is held against the party. */
export function heldAgainst(table: ClaimTable, holding: CompiledHolding): Hindrance | null {
  for (const [resource, amount] of holding.resources) {
    const spot = table.resources.get(resource);
    const want = { exclusive: true, amount };
    if (spot !== undefined && isHeldAgainst(spot, want, capacityOf(table, spot)))
      return { spot, ...want };
  }
  return find(table, holding, held, () => true);
}

/** A spot where somebody earlier waits who may not be passed. */
export function dueAgainst(
  table: ClaimTable,
  holding: CompiledHolding,
  who: Rank,
): Hindrance | null {
  if (!isAnyBefore(table, due, who)) return null;
  for (const [resource, amount] of holding.resources) {
    const spot = table.resources.get(resource);
    if (spot !== undefined && isDueBefore(spot, true, who))
      return { spot, exclusive: true, amount };
  }
  return find(table, holding, due, (spot, exclusive) => isDueBefore(spot, exclusive, who));
}

/** The patient waiters that the party passes when it starts now, earliest first. */
export function passedBy(table: ClaimTable, holding: CompiledHolding, who: Rank): Party[] {
  if (!isAnyBefore(table, patient, who)) return [];
  const passed = new Set<Party>();
  const note = (spot: Spot, exclusive: boolean) => {
    visitAgainst(spot, patient, exclusive, who, ({ party }) => passed.add(party));
    return false;
  };
  for (const resource of holding.resources.keys()) {
    const spot = table.resources.get(resource);
    if (spot !== undefined) note(spot, true);
  }
  find(table, holding, patient, note);
  return [...passed].toSorted((a, b) => (precedes(a, b) ? -1 : 1));
}

/** Is a bunch of waiters with this want still stopped at the spot? */
export function isStopped(table: ClaimTable, spot: Spot, want: Want, who: Rank): boolean {
  return (
    isHeldAgainst(spot, want, capacityOf(table, spot)) || isDueBefore(spot, want.exclusive, who)
  );
}

/** A holder whose claims cover this path, among those that are asked for. */
export function holderOfPath(
  table: ClaimTable,
  path: Alternative,
  counts: (holder: Party) => boolean,
): Party | null {
  let found: Party | null = null;
  const stop = ({ places }: Spot) => {
    for (const mode of [0, 1])
      found ??= places[held + mode]?.find(({ party }) => counts(party))?.party ?? null;
    return found !== null;
  };
  lookFor(table.trie, path, { standing: held, exclusive: true, stop });
  return found;
}

/** Who holds some of a resource, earliest first. */
export function holdersOfResource(table: ClaimTable, resource: string): HolderId[] {
  const places = table.resources.get(resource)?.places[held + 1] ?? [];
  return places.toSorted((a, b) => (precedes(a, b) ? -1 : 1)).map(({ party }) => party.id);
}

/** Who stops a party at this spot: its first holder, else the first waiter who may not be passed. */
export function whoStops({ spot, exclusive }: Hindrance, who: Rank): Party | null {
  const holder = firstAgainst(spot, held, exclusive);
  if (holder !== null) return holder.party;
  const waiter = firstAgainst(spot, due, exclusive);
  return waiter !== null && precedes(waiter, who) ? waiter.party : null;
}

function addAll(
  table: ClaimTable,
  party: Party,
  patterns: readonly Pattern[],
  standing: Standing,
  exclusive: boolean,
): void {
  for (const { alternatives } of patterns)
    for (const alternative of alternatives)
      add(party, spotOf(table.trie, alternative), standing, exclusive, 0);
}

function add(
  party: Party,
  spot: Spot,
  standing: Standing,
  exclusive: boolean,
  amount: number,
): void {
  const { rank, order } = party;
  const place: Place = { party, spot, standing, exclusive, amount, rank, order, position: 0 };
  party.places.push(place);
  stand(place);
}

/** The first spot where the claims, each in its mode, meet somebody with this standing. */
function find(
  table: ClaimTable,
  holding: CompiledHolding,
  standing: Standing,
  stop: (spot: Spot, exclusive: boolean) => boolean,
): Hindrance | null {
  return (
    findAmong(table, holding.writes, true, standing, stop) ??
    findAmong(table, holding.reads, false, standing, stop) ??
    findUndeclared(table, holding, standing, stop)
  );
}

function findAmong(
  table: ClaimTable,
  patterns: readonly Pattern[],
  exclusive: boolean,
  standing: Standing,
  stop: (spot: Spot, exclusive: boolean) => boolean,
): Hindrance | null {
  if (patterns.length === 0) return null;
  const look: Look = { standing, exclusive, stop: (spot) => stop(spot, exclusive) };
  for (const { alternatives } of patterns)
    for (const alternative of alternatives) {
      const spot = lookFor(table.trie, alternative, look);
      if (spot !== null) return { spot, exclusive, amount: 0 };
    }
  return null;
}

function findUndeclared(
  table: ClaimTable,
  { optimistic, wholeRepository }: CompiledHolding,
  standing: Standing,
  stop: (spot: Spot, exclusive: boolean) => boolean,
): Hindrance | null {
  if (!optimistic && !wholeRepository) return null;
  const spot = table.undeclared;
  const met = firstAgainst(spot, standing, wholeRepository) !== null && stop(spot, wholeRepository);
  return met ? { spot, exclusive: wholeRepository, amount: 0 } : null;
}

function isAnyBefore(table: ClaimTable, standing: Standing, who: Rank): boolean {
  const first = firstAgainst(table.waiting, standing, true);
  return first !== null && precedes(first, who);
}

function resourceSpot(table: ClaimTable, resource: string): Spot {
  let spot = table.resources.get(resource);
  if (spot === undefined) {
    spot = makeSpot(null, null, "", resource);
    table.resources.set(resource, spot);
  }
  return spot;
}

export function capacityOf({ capacities }: ClaimTable, { resource }: Spot): number {
  return resource === null ? 0 : (capacities[resource] ?? 1);
}
