import { anyAgainst } from "./claimSpot.ts";
import { counted, ends, lookAtShapes, lookBelow } from "./claimSteps.ts";
import { nameMatches, wholeOf } from "./glob.ts";
import { itemNamed } from "./named.ts";
import { lookInRegion } from "./claimRegion.ts";
import { childOf, nameOf } from "./claimTrie.ts";
import type { Alternative, Segment, Segments } from "./glob.ts";
import type { Folder, Trie } from "./claimTrie.ts";
import type { Look } from "./claimSteps.ts";
import type { Spot } from "./claimSpot.ts";

/**
 * Finds the spots that a claim meets and that somebody stands on:
 *
 *     on the way from the root to the claim's folder   subtrees, and shapes that reach that far
 *     at the claim itself                              its own name, shapes beside it
 *     below, for a subtree                             everything
 *     below, for a shape                               what it matches; `claimRegion.ts` from its `**` on
 *
 * The work grows with the depth of the claim and with what it finds: folders where nobody of that
 * standing is are not entered.
 */

/** The spot that ended the search. */
export function lookFor(trie: Trie, claim: Alternative, look: Look): Spot | null {
  let folder = trie.root;
  for (let depth = 0; depth < claim.folder.length; depth += 1) {
    const name = claim.folder[depth] ?? "";
    const found = lookOnTheWay(folder, claim, depth, look);
    if (found !== null) return found;
    const child = childOf(trie, folder, name);
    if (child === null)
      return claim.kind === "subtree" ? lookAtName(folder, claim, depth, look) : null;
    if (claim.kind === "subtree" && depth === claim.folder.length - 1) {
      const itself = lookAtName(folder, claim, depth, look);
      if (itself !== null) return itself;
    }
    folder = child;
  }
  switch (claim.kind) {
    case "path":
      return (
        lookOnTheWay(folder, claim, claim.folder.length, look) ??
        lookAtPath(trie, folder, claim, look)
      );
    case "subtree":
      return lookBelow(folder, look);
    case "shape":
      return lookAlong(trie, folder, claim, 0, look);
  }
}

function lookOnTheWay(folder: Folder, claim: Alternative, depth: number, look: Look): Spot | null {
  if (folder.subtree !== null && ends(folder.subtree, look)) return folder.subtree;
  if (folder.shapes.items.length === 0 || counted(folder.inside, look) === 0) return null;
  return lookAtShapes(folder, claim.ending, wholeOf(claim), depth, look);
}

function lookAtPath(trie: Trie, folder: Folder, claim: Alternative, look: Look): Spot | null {
  const name = nameOf(claim);
  const spot = itemNamed(folder.names, name);
  if (spot !== null && ends(spot, look)) return spot;
  const subtree = childOf(trie, folder, name)?.subtree ?? null;
  return subtree !== null && ends(subtree, look) ? subtree : null;
}

/** `a/b/**` also matches `a/b`, which somebody may have claimed as a name in `a`. */
function lookAtName(folder: Folder, claim: Alternative, depth: number, look: Look): Spot | null {
  const name = claim.folder[depth];
  if (name === undefined || depth < claim.folder.length - 1) return null;
  const spot = itemNamed(folder.names, name);
  return spot !== null && ends(spot, look) ? spot : null;
}

/** In a folder that the first `at` segments of the shape's rest have led to. */
function lookAlong(
  trie: Trie,
  folder: Folder,
  claim: Alternative,
  at: number,
  look: Look,
): Spot | null {
  if (counted(folder.inside, look) + counted(folder.subtrees, look) === 0) return null;
  if (folder.subtree !== null && ends(folder.subtree, look)) return folder.subtree;
  const next = claim.rest[at];
  if (next === undefined) return null;
  const remaining = claim.rest.slice(at);
  if (next.kind === "deep") return lookInRegion(trie, folder, remaining, look);
  return (
    lookAtShapes(folder, claim.ending, remaining, 0, look) ??
    lookAtNames(folder, remaining, look) ??
    lookInChildren(trie, folder, claim, at, next, look)
  );
}

/** Names that match by themselves what remains of a shape. */
function lookAtNames(folder: Folder, remaining: Segments, look: Look): Spot | null {
  const [name, after] = remaining;
  const isLast = after === undefined || (after.kind === "deep" && remaining.length === 2);
  if (name === undefined || !isLast) return null;
  if (name.kind === "literal") {
    const spot = itemNamed(folder.names, name.text);
    return spot !== null && ends(spot, look) ? spot : null;
  }
  for (const spot of folder.names.items)
    if (anyAgainst(spot, look.standing, look.exclusive) && nameMatches(name, spot.name))
      if (look.stop(spot)) return spot;
  return null;
}

function lookInChildren(
  trie: Trie,
  folder: Folder,
  claim: Alternative,
  at: number,
  next: Segment,
  look: Look,
): Spot | null {
  if (next.kind === "literal") {
    const child = childOf(trie, folder, next.text);
    return child === null ? null : lookAlong(trie, child, claim, at + 1, look);
  }
  for (const child of folder.children) {
    if (!nameMatches(next, child.name)) continue;
    const found = lookAlong(trie, child, claim, at + 1, look);
    if (found !== null) return found;
  }
  return null;
}
