import { precedes } from "./rank.ts";
import { rankAdd, rankRemove, visitBefore } from "./rankHeap.ts";
import type { Alternative } from "./glob.ts";
import type { CompiledHolding } from "./claims.ts";
import type { Folder } from "./claimTrie.ts";
import type { Bunch, Line } from "./waitingLines.ts";
import type { Rank } from "./rank.ts";
import type { Ranked } from "./rankHeap.ts";
import type { HolderId } from "../../ipc/ids.ts";

/**
 * A spot is what a claim names: one path, one folder with everything below it, one shape (a glob with
 * wildcards), a counted resource, or the token of undeclared work. A party (a task) has a place on
 * each spot that it claims, and stands there as one of
 *
 *     patient ──passed too often, or waited too long──► due ──granted──► held
 *        └──────────────────────granted──────────────────────────────────▲
 *
 * `due` waiters may not be passed by later ones any more. Places are shared (reads) or exclusive.
 */
export type Spot = {
  /** What it is found by in its folder, and where (`named.ts`). */
  readonly name: string;
  at: number;
  next: Spot | null;
  /** Where in the trie; `null` for a resource and for the token. */
  readonly folder: Folder | null;
  readonly alternative: Alternative | null;
  /** Its name, for a counted resource. */
  readonly resource: string | null;
  /** By standing, then shared before exclusive; each a heap. */
  readonly places: Place[][];
  /** How much of a resource is held. */
  amount: number;
  /** Those that are stopped by what stands here. */
  bunches: Bunch[];
};

/** The number of the shared heap of that standing; the exclusive one comes next. */
export type Standing = 0 | 2 | 4;
export const held: Standing = 0;
export const due: Standing = 2;
export const patient: Standing = 4;

export type Place = Ranked & {
  readonly party: Party;
  readonly spot: Spot;
  readonly exclusive: boolean;
  readonly amount: number;
  standing: Standing;
};

/** A task with the claims that it holds or waits for. `position` is its place in its line. */
export type Party = Ranked & {
  readonly id: HolderId;
  readonly holding: CompiledHolding;
  places: Place[];
  line: Line | null;
};

/** What somebody wants of a spot, or of all spots that its claim meets. */
export type Want = { readonly exclusive: boolean; readonly amount: number };

/** Shared by all empty heaps: most spots ever see one standing. */
const none: Place[] = [];

/** `name`: what it is found by in its folder. */
export function makeSpot(
  folder: Folder | null,
  alternative: Alternative | null,
  name: string,
  resource: string | null = null,
): Spot {
  const places = [none, none, none, none, none, none];
  return {
    name,
    at: 0,
    next: null,
    folder,
    alternative,
    resource,
    places,
    amount: 0,
    bunches: [],
  };
}

export function isEmpty({ places, bunches }: Spot): boolean {
  return bunches.length === 0 && places.every((heap) => heap.length === 0);
}

/** Puts the place among those of its standing. */
export function stand(place: Place): void {
  const { places } = place.spot;
  const index = place.standing + Number(place.exclusive);
  const heap = places[index];
  if (heap === undefined || heap === none) {
    places[index] = [place];
    place.position = 0;
  } else rankAdd(heap, place);
  if (place.standing === held) place.spot.amount += place.amount;
}

export function step(place: Place): void {
  const heap = place.spot.places[place.standing + Number(place.exclusive)];
  if (heap !== undefined) rankRemove(heap, place);
  if (place.standing === held) place.spot.amount -= place.amount;
}

/** Does anybody with this standing conflict with who wants the spot? */
export function anyAgainst(spot: Spot, standing: Standing, exclusive: boolean): boolean {
  const { places } = spot;
  if ((places[standing + 1]?.length ?? 0) > 0) return true;
  return exclusive && (places[standing]?.length ?? 0) > 0;
}

/** The earliest with this standing that conflicts with who wants the spot. */
export function firstAgainst(spot: Spot, standing: Standing, exclusive: boolean): Place | null {
  const alone = spot.places[standing + 1]?.[0] ?? null;
  const sharing = exclusive ? (spot.places[standing]?.[0] ?? null) : null;
  if (alone === null || sharing === null) return alone ?? sharing;
  return precedes(alone, sharing) ? alone : sharing;
}

/** Visits those with this standing that conflict with who wants the spot and come before `limit`. */
export function visitAgainst(
  spot: Spot,
  standing: Standing,
  exclusive: boolean,
  limit: Rank,
  visit: (place: Place) => void,
): void {
  visitBefore(spot.places[standing + 1] ?? none, limit, visit);
  if (exclusive) visitBefore(spot.places[standing] ?? none, limit, visit);
}

/** Is the spot held against it? A resource that nobody holds is never too small. */
export function isHeldAgainst(spot: Spot, want: Want, capacity: number): boolean {
  if (spot.resource !== null) return spot.amount > 0 && spot.amount + want.amount > capacity;
  return anyAgainst(spot, held, want.exclusive);
}

/** Is somebody earlier waiting here who may not be passed? */
export function isDueBefore(spot: Spot, exclusive: boolean, who: Rank): boolean {
  const first = firstAgainst(spot, due, exclusive);
  return first !== null && precedes(first, who);
}
