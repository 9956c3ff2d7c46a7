import { capacityOf } from "./claimTable.ts";
import { due, held, isHeldAgainst, patient } from "./claimSpot.ts";
import { globOfEverything, optimisticToken } from "./claims.ts";
import { lookFor } from "./claimLook.ts";
import { precedes } from "./rank.ts";
import type { ClaimTable } from "./claimTable.ts";
import type { CompiledHolding } from "./claims.ts";
import type { HolderId } from "../../ipc/ids.ts";
import type { Pattern } from "./glob.ts";
import type { Party, Spot, Standing } from "./claimSpot.ts";
import type { Rank } from "./rank.ts";

/**
 * Who would be in the way of some claims, if they were asked for now: asked of the claim table, so that
 * it costs what is found and not what is open. Claims may be looked at part by part, so that nobody else
 * waits long for the loop; the first question is who stops them, the second who else waits for the same.
 *
 *     stopping   holders, and earlier waiters who may not be passed any more
 *     waiting    all other waiters: who starts now passes them
 */
export type Found = {
  readonly conflicts: Map<HolderId, FoundConflict>;
  /** How many are noted. */
  readonly max: number;
  /** There are more of them. */
  more: boolean;
};

export type FoundConflict = {
  readonly holder: HolderId;
  readonly standing: "holds" | "waits";
  readonly on:
    | { readonly kind: "claims"; readonly claim: string; readonly theirs: string }
    | { readonly kind: "resource"; readonly resource: string; readonly capacity: number };
};

export function findNothing(max: number): Found {
  return { conflicts: new Map(), max, more: false };
}

/** Together they claim the same. @param size globs in one of them, with braces written out, or a single glob */
export function partsOf(holding: CompiledHolding, size: number): readonly CompiledHolding[] {
  const none = { ...holding, writes: [], reads: [] };
  const globsOnly = { ...none, resources: new Map(), optimistic: false, wholeRepository: false };
  return [
    none,
    ...slices(holding.writes, size).map((writes) => ({ ...globsOnly, writes })),
    ...slices(holding.reads, size).map((reads) => ({ ...globsOnly, reads })),
  ];
}

/** @param who when it was asked for: waiters behind that stop nobody */
export function findStopping(
  table: ClaimTable,
  part: CompiledHolding,
  who: Rank,
  found: Found,
): void {
  seeAll(table, part, held, (party, on) => note(found, party, "holds", on));
  seeAll(table, part, due, (party, on) => precedes(party, who) && note(found, party, "waits", on));
}

export function findWaiting(table: ClaimTable, part: CompiledHolding, found: Found): void {
  for (const standing of [due, patient])
    seeAll(table, part, standing, (party, on) => note(found, party, "waits", on));
}

/** True when there is no room for another one. */
type See = (party: Party, on: FoundConflict["on"]) => boolean;

function note(
  found: Found,
  { id }: Party,
  standing: FoundConflict["standing"],
  on: FoundConflict["on"],
): boolean {
  const { conflicts, max } = found;
  if (conflicts.has(id)) return false;
  if (conflicts.size < max) conflicts.set(id, { holder: id, standing, on });
  else found.more = true;
  return found.more;
}

function seeAll(table: ClaimTable, holding: CompiledHolding, standing: Standing, see: See): void {
  for (const [resource, amount] of holding.resources) {
    const spot = table.resources.get(resource);
    if (spot === undefined) continue;
    const capacity = capacityOf(table, spot);
    const counts = standing !== held || isHeldAgainst(spot, { exclusive: true, amount }, capacity);
    if (counts) seeAt(spot, standing, true, see, () => ({ kind: "resource", resource, capacity }));
  }
  if (holding.optimistic || holding.wholeRepository)
    seeAt(table.undeclared, standing, holding.wholeRepository, see, (party) => ({
      kind: "claims",
      claim: holding.wholeRepository ? globOfEverything(holding) : optimisticToken,
      theirs: party.holding.wholeRepository ? globOfEverything(party.holding) : optimisticToken,
    }));
  for (const pattern of holding.writes) seeMet(table, pattern, standing, true, see);
  for (const pattern of holding.reads) seeMet(table, pattern, standing, false, see);
}

function seeMet(
  table: ClaimTable,
  { glob, alternatives }: Pattern,
  standing: Standing,
  exclusive: boolean,
  see: See,
): void {
  for (const alternative of alternatives)
    lookFor(table.trie, alternative, {
      standing,
      exclusive,
      stop: (spot) =>
        seeAt(spot, standing, exclusive, see, (party) => ({
          kind: "claims",
          claim: glob,
          theirs: claimAt(spot, party),
        })),
    });
}

/** Everybody who stands so at the spot and is in the way there. */
function seeAt(
  { places }: Spot,
  standing: Standing,
  exclusive: boolean,
  see: See,
  on: (party: Party) => FoundConflict["on"],
): boolean {
  const alone = places[standing + 1] ?? [];
  const sharing = exclusive ? (places[standing] ?? []) : [];
  for (const found of [alone, sharing])
    for (const { party } of found) if (see(party, on(party))) return true;
  return false;
}

/** As they wrote it, with its braces. */
function claimAt({ alternative }: Spot, { holding }: Party): string {
  const text = alternative?.text ?? "";
  for (const patterns of [holding.writes, holding.reads])
    for (const { glob, alternatives } of patterns)
      if (glob === text || alternatives.some((one) => one.text === text)) return glob;
  return text;
}

function slices(patterns: readonly Pattern[], size: number): (readonly Pattern[])[] {
  const parts: Pattern[][] = [];
  let room = 0;
  for (const pattern of patterns) {
    const { length } = pattern.alternatives;
    if (length > room) {
      parts.push([]);
      room = size;
    }
    parts.at(-1)?.push(pattern);
    room -= length;
  }
  return parts;
}
