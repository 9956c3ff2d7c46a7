import { anyAgainst } from "./claimSpot.ts";
import { counted, ends, lookBelow, shapesFor } from "./claimSteps.ts";
import { endingOfAll, nameMatches, segmentsMeet } from "./glob.ts";
import { itemNamed } from "./named.ts";
import { markOf, openEnding } from "./claimTrie.ts";
import type { Folder, Trie } from "./claimTrie.ts";
import type { Look } from "./claimSteps.ts";
import type { Segment, Segments } from "./glob.ts";
import type { Spot } from "./claimSpot.ts";

/**
 * What a shape meets from its first `**` on. It can reach every folder of the region below, so no
 * subtree there escapes it, and every shape there is compared. Names are looked for in folders that
 * are marked with the ending, or in folders with the right name where the shape gives one.
 *
 *     ** / test / *.ts        stem: ** / test     last: *.ts
 *     ** / gen / **           stem: **            last: gen     and all below what this matches
 */
type Region = {
  readonly trie: Trie;
  readonly top: Folder;
  /** From the `**` on. */
  readonly shape: Segments;
  /** Without a `**` at the end; `stem` and `last` together. */
  readonly body: Segments;
  readonly stem: Segments;
  readonly last: Segment;
  /** The shape ends in `**`. */
  readonly below: boolean;
  /** How shapes end that it can meet; `null` when that is open. */
  readonly ending: string | null;
  /** What folders are marked with that have names, or shapes, that it could meet. */
  readonly nameMarks: number;
  readonly shapeMarks: number;
  readonly look: Look;
};

/** All marks at once. */
const anyMark = -1;

export function lookInRegion(trie: Trie, top: Folder, shape: Segments, look: Look): Spot | null {
  const subtree = lookAtSubtrees(top, look);
  if (subtree !== null || counted(top.inside, look) === 0) return subtree;
  const below = shape.at(-1)?.kind === "deep";
  const body = below ? shape.slice(0, -1) : shape;
  const last = body.at(-1);
  if (last === undefined || last.kind === "deep") return lookBelow(top, look);
  const stem = body.slice(0, -1);
  const lastEnding = endingOfAll(last);
  const ending = below ? null : lastEnding;
  const nameMarks = lastEnding === null ? anyMark : markOf(lastEnding);
  const shapeMarks = ending === null ? anyMark : markOf(ending) | markOf(openEnding);
  const marks = { nameMarks, shapeMarks };
  const region: Region = { trie, top, shape, body, stem, last, below, ending, ...marks, look };
  return (
    lookAtNamed(region, stem.at(-1), lookAtLast) ??
    (below ? lookAtNamed(region, last, lookBelowBody) : null) ??
    walkShapes(region, top, [])
  );
}

/** Subtrees strictly below. */
function lookAtSubtrees(top: Folder, look: Look): Spot | null {
  if (counted(top.subtrees, look) === 0) return null;
  for (const child of top.children) {
    if (child.subtree !== null && ends(child.subtree, look)) return child.subtree;
    const found = lookAtSubtrees(child, look);
    if (found !== null) return found;
  }
  return null;
}

type Step = (region: Region, folder: Folder, path: Segments) => Spot | null;

/** Takes the step in every folder of the region that this segment could name. */
function lookAtNamed(region: Region, name: Segment | undefined, step: Step): Spot | null {
  const { trie, top, look } = region;
  if (name?.kind !== "literal") return walk(region, top, [], step);
  const named = itemNamed(trie.foldersByName, name.text)?.folders;
  if (named === undefined) return null;
  if (named.length > counted(top.inside, look)) return walk(region, top, [], step);
  for (const folder of named) {
    const path = pathTo(region, folder);
    const found = path === null ? null : step(region, folder, path);
    if (found !== null) return found;
  }
  return null;
}

/** Every folder of the region where names may be that it could meet. `path` leads there, and on with each step down. */
function walk(region: Region, folder: Folder, path: Segment[], step: Step): Spot | null {
  if (counted(folder.inside, region.look) === 0) return null;
  if (step === lookAtLast && (folder.nameMarks & region.nameMarks) === 0) return null;
  const found = step(region, folder, path);
  if (found !== null) return found;
  for (const child of folder.children) {
    path.push(child.alike.segment);
    const inside = walk(region, child, path, step);
    path.pop();
    if (inside !== null) return inside;
  }
  return null;
}

/** What is below a folder that the shape matches before its last `**`. */
function lookBelowBody({ body, look }: Region, folder: Folder, path: Segments): Spot | null {
  return segmentsMeet(body, path) ? lookBelow(folder, look) : null;
}

function walkShapes(region: Region, folder: Folder, path: Segment[]): Spot | null {
  if (counted(folder.shaped, region.look) === 0) return null;
  if ((folder.shapeMarks & region.shapeMarks) === 0) return null;
  const found = lookAtShapesOf(region, folder, path);
  if (found !== null) return found;
  for (const child of folder.children) {
    path.push(child.alike.segment);
    const inside = walkShapes(region, child, path);
    path.pop();
    if (inside !== null) return inside;
  }
  return null;
}

/** Names in this folder that the shape's last segment matches, if the path leads here. */
function lookAtLast({ look, last, stem }: Region, folder: Folder, path: Segments): Spot | null {
  if (folder.names.items.length === 0 || !segmentsMeet(stem, path)) return null;
  if (last.kind === "literal") {
    const spot = itemNamed(folder.names, last.text);
    return spot !== null && ends(spot, look) ? spot : null;
  }
  for (const spot of folder.names.items)
    if (anyAgainst(spot, look.standing, look.exclusive) && nameMatches(last, spot.name))
      if (look.stop(spot)) return spot;
  return null;
}

function lookAtShapesOf(region: Region, folder: Folder, path: Segments): Spot | null {
  const { look, shape } = region;
  if (folder.shapes.items.length === 0) return null;
  for (const { spots } of shapesFor(folder, region.ending))
    for (const spot of spots.items) {
      if (!anyAgainst(spot, look.standing, look.exclusive)) continue;
      const theirs = [...path, ...(spot.alternative?.rest ?? [])];
      if (segmentsMeet(shape, theirs) && look.stop(spot)) return spot;
    }
  return null;
}

/** From the top of the region down to the folder; `null` when nobody looked for is there. */
function pathTo({ top, look }: Region, folder: Folder): Segments | null {
  if (counted(folder.inside, look) === 0) return null;
  const path: Segment[] = [];
  let at: Folder | null = folder;
  for (; at !== null && at !== top; at = at.parent) path.push(at.alike.segment);
  return at === null ? null : path.toReversed();
}
