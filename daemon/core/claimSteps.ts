import { anyAgainst } from "./claimSpot.ts";
import { itemNamed } from "./named.ts";
import { openEnding } from "./claimTrie.ts";
import { segmentsMeet } from "./glob.ts";
import type { Folder, Shapes } from "./claimTrie.ts";
import type { Segments } from "./glob.ts";
import type { Spot, Standing } from "./claimSpot.ts";

/** What a search for spots looks for, and the steps that its parts share. */
export type Look = {
  readonly standing: Standing;
  /** Whether shared places matter too. */
  readonly exclusive: boolean;
  /** Sees each spot that is found, and ends the search with `true`. */
  readonly stop: (spot: Spot) => boolean;
};

/** How many places could matter among those counted. */
export function counted(tally: readonly number[], { standing, exclusive }: Look): number {
  return (tally[standing + 1] ?? 0) + (exclusive ? (tally[standing] ?? 0) : 0);
}

export function ends(spot: Spot, look: Look): boolean {
  return anyAgainst(spot, look.standing, look.exclusive) && look.stop(spot);
}

/** Everything in this folder and below it. */
export function lookBelow(folder: Folder, look: Look): Spot | null {
  if (counted(folder.inside, look) > 0) {
    for (const spot of folder.names.items) if (ends(spot, look)) return spot;
    for (const { spots } of folder.shapes.items)
      for (const spot of spots.items) if (ends(spot, look)) return spot;
  } else if (counted(folder.subtrees, look) === 0) return null;
  if (folder.subtree !== null && ends(folder.subtree, look)) return folder.subtree;
  for (const child of folder.children) {
    const found = lookBelow(child, look);
    if (found !== null) return found;
  }
  return null;
}

/** Shapes of this folder that meet the claim, of which the segments from `from` on come after it. */
export function lookAtShapes(
  folder: Folder,
  ending: string | null,
  claim: Segments,
  from: number,
  look: Look,
): Spot | null {
  if (folder.shapes.items.length === 0) return null;
  for (const { spots } of shapesFor(folder, ending))
    for (const spot of spots.items)
      if (anyAgainst(spot, look.standing, look.exclusive))
        if (segmentsMeet(spot.alternative?.rest ?? [], claim, from) && look.stop(spot)) return spot;
  return null;
}

const nowhere: readonly Shapes[] = [];

/** The shapes that something with this ending could meet. */
export function shapesFor({ shapes }: Folder, ending: string | null): readonly Shapes[] {
  if (ending === null) return shapes.items;
  const same = itemNamed(shapes, ending);
  const open = itemNamed(shapes, openEnding);
  if (same === null) return open === null ? nowhere : [open];
  return open === null ? [same] : [same, open];
}
