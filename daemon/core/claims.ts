import { compileGlob, globMatches, globsMeet, matchesEverything } from "./glob.ts";
import { exampleOfBoth } from "./globExample.ts";
import type { Holding } from "./holding.ts";
import type { Pattern } from "./glob.ts";

/**
 * When do two sets of claims stand in each other's way? When some path could be touched by both and
 * at least one of them writes it, or when a counted resource does not suffice. An optimistic task
 * (nothing declared) holds a shared token on the whole repository: it meets only a claim on
 * everything (`**`, or a glob that says the same), so that such a claim really is alone.
 */
export type CompiledHolding = {
  readonly writes: readonly Pattern[];
  readonly reads: readonly Pattern[];
  readonly resources: ReadonlyMap<string, number>;
  readonly optimistic: boolean;
  readonly wholeRepository: boolean;
};

/** The claim asked for, and the one that stands in its way, as globs. */
export type ClaimConflict = { readonly claim: string; readonly theirs: string };

export const everything = "**";
/** How an optimistic task's token is shown to people. */
export const optimisticToken = "(undeclared)";

export function compileHolding(holding: Holding): CompiledHolding {
  const writes = holding.writes.map(compileGlob);
  return {
    writes,
    reads: holding.reads.map(compileGlob),
    resources: resourcesOf(holding),
    optimistic: holding.optimistic,
    wholeRepository: writes.some(matchesEverything),
  };
}

const noResources: ReadonlyMap<string, number> = new Map();

function resourcesOf({ resources }: Holding): ReadonlyMap<string, number> {
  const entries = Object.entries(resources);
  return entries.length === 0 ? noResources : new Map(entries);
}

/** The same text for the same claims, and only for those. */
export function holdingKey({ writes, reads, resources, optimistic }: CompiledHolding): string {
  const globs = [writes, reads].map((patterns) => patterns.map(({ glob }) => glob));
  const lists = [...globs, [...resources].flat()];
  return `${lists.map((list) => list.join("\0")).join("\0\0")}\0\0${optimistic}`;
}

export function claimConflict(
  mine: CompiledHolding,
  theirs: CompiledHolding,
): ClaimConflict | null {
  if (mine.wholeRepository && theirs.optimistic)
    return { claim: globOfEverything(mine), theirs: optimisticToken };
  if (theirs.wholeRepository && mine.optimistic)
    return { claim: optimisticToken, theirs: globOfEverything(theirs) };
  return (
    firstMeeting(mine.writes, theirs.writes) ??
    firstMeeting(mine.writes, theirs.reads) ??
    firstMeeting(mine.reads, theirs.writes)
  );
}

/** Does one of these globs match every path there can be? */
export function writesEverything(writes: readonly string[]): boolean {
  return writes.map(compileGlob).some(matchesEverything);
}

/** With which of its globs it writes everything. */
export function globOfEverything({ writes }: CompiledHolding): string {
  return writes.find(matchesEverything)?.glob ?? everything;
}

/** A path that both claims match; `null` where one of them is the token of undeclared work. */
export function conflictExample({ claim, theirs }: ClaimConflict): string | null {
  return claim === optimisticToken || theirs === optimisticToken
    ? null
    : exampleOfBoth(claim, theirs);
}

/** The first of `paths` that a write or read claim of `theirs` covers, with that claim. */
export function pathConflict(
  paths: readonly string[],
  theirs: CompiledHolding,
): ClaimConflict | null {
  for (const pattern of [...theirs.writes, ...theirs.reads])
    for (const path of paths)
      if (globMatches(pattern, path)) return { claim: path, theirs: pattern.glob };
  return null;
}

export function pathsOutside(paths: readonly string[], writes: readonly string[]): string[] {
  const patterns = writes.map(compileGlob);
  return paths.filter((path) => !patterns.some((pattern) => globMatches(pattern, path)));
}

function firstMeeting(mine: readonly Pattern[], theirs: readonly Pattern[]): ClaimConflict | null {
  for (const a of mine)
    for (const b of theirs) if (globsMeet(a, b)) return { claim: a.glob, theirs: b.glob };
  return null;
}
