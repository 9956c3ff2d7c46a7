import { literal } from "./glob.ts";
import { isEmpty, makeSpot } from "./claimSpot.ts";
import type { Alternative, Segment } from "./glob.ts";
import type { Place, Spot } from "./claimSpot.ts";

/**
 * Where spots are found: a trie of folders.
 *
 *     src/auth/**      subtree of the folder src/auth
 *     src/auth/a.ts    name a.ts in the folder src/auth
 *     src/*\/a?.ts     shape in the folder src (its literal part)
 *
 * A walk skips what cannot interest it: tallies count the places at and below a folder, and marks say
 * which endings (`.ts`) the names and shapes there have, or had: marks go with the folder.
 */
export type Folder = {
  readonly segment: Segment;
  readonly name: string;
  readonly parent: Folder | null;
  /** Made when there is the first, as are the maps and tallies below. */
  children: Map<string, Folder>;
  subtree: Spot | null;
  names: Map<string, Spot>;
  shapes: Map<string, Shapes>;
  nameMarks: number;
  shapeMarks: number;
  /** Places here and below by standing and mode: on names and shapes, on shapes, on subtrees. */
  inside: Tally;
  shaped: Tally;
  subtrees: Tally;
};

/** Those with one ending, by their text. */
export type Shapes = Map<string, Spot>;
export type Tally = number[];

export type Trie = {
  readonly root: Folder;
  readonly foldersByName: Map<string, Set<Folder>>;
  /** Folders that were left empty: they may soon be wanted again, so they go many at a time. */
  emptied: Folder[];
};

/** The ending of shapes that may end in any way; no name has it. */
export const openEnding = "/";

const marks = 31;
/** Empty folders kept. */
const emptiedMax = 128;

const noFolders = new Map<string, Folder>();
const noNames = new Map<string, Spot>();
const noShapes = new Map<string, Shapes>();
const noTally: Tally = [0, 0, 0, 0, 0, 0];

export function makeTrie(): Trie {
  return {
    root: makeFolder(null, ""),
    foldersByName: new Map(),
    emptied: [],
  };
}

/** One of 31 bits. Endings may share a mark: it only saves looking where none of them is. */
export function markOf(ending: string): number {
  let mixed = 0;
  for (let at = 0; at < ending.length; at += 1)
    mixed = (Math.imul(mixed, 31) + ending.charCodeAt(at)) | 0;
  return 1 << ((mixed >>> 0) % marks);
}

/** The spot that this stands for, made if nobody has claimed it yet. */
export function spotOf(trie: Trie, alternative: Alternative): Spot {
  let folder = trie.root;
  for (const name of alternative.folder)
    folder = folder.children.get(name) ?? addFolder(trie, folder, name);
  switch (alternative.kind) {
    case "subtree":
      folder.subtree ??= makeSpot(folder, alternative);
      return folder.subtree;
    case "path":
      return folder.names.get(nameOf(alternative)) ?? addName(folder, alternative);
    case "shape":
      return (
        folder.shapes.get(endingFor(alternative))?.get(alternative.text) ??
        addShape(folder, alternative)
      );
  }
}

/** The one name that a path's rest is. */
export function nameOf({ rest: [name] }: Alternative): string {
  return name?.kind === "literal" ? name.text : "";
}

/** Forgets a spot that nobody stands on and nobody is stopped by. */
export function removeIfEmpty(trie: Trie, spot: Spot): void {
  const { folder, alternative } = spot;
  if (folder === null || alternative === null || !isEmpty(spot)) return;
  if (!removeSpot(folder, alternative, spot) || !isBare(folder)) return;
  trie.emptied.push(folder);
  if (trie.emptied.length > emptiedMax) removeEmptied(trie);
}

/** Forgets the folders that are still empty. */
export function removeEmptied(trie: Trie): void {
  const folders = trie.emptied;
  trie.emptied = [];
  for (let folder of folders)
    while (folder.parent !== null && isBare(folder)) {
      if (folder.parent.children.get(folder.name) !== folder) break;
      folder.parent.children.delete(folder.name);
      const alike = trie.foldersByName.get(folder.name);
      if (alike?.delete(folder) === true && alike.size === 0)
        trie.foldersByName.delete(folder.name);
      folder = folder.parent;
    }
}

/** Keeps the tallies in step with a place that is taken (`by` 1) or given up (-1). */
export function tally(place: Place, by: 1 | -1): void {
  const { folder, alternative } = place.spot;
  if (folder === null || alternative === null) return;
  const index = place.standing + Number(place.exclusive);
  const { kind } = alternative;
  for (let at: Folder | null = folder; at !== null; at = at.parent)
    if (kind === "subtree") at.subtrees = counting(at.subtrees, index, by);
    else {
      at.inside = counting(at.inside, index, by);
      if (kind === "shape") at.shaped = counting(at.shaped, index, by);
    }
}

function counting(counts: Tally, index: number, by: 1 | -1): Tally {
  const own = counts === noTally ? [0, 0, 0, 0, 0, 0] : counts;
  own[index] = (own[index] ?? 0) + by;
  return own;
}

function makeFolder(parent: Folder | null, name: string): Folder {
  return {
    segment: literal(name),
    name,
    parent,
    children: noFolders,
    subtree: null,
    names: noNames,
    shapes: noShapes,
    nameMarks: 0,
    shapeMarks: 0,
    inside: noTally,
    shaped: noTally,
    subtrees: noTally,
  };
}

function addFolder(trie: Trie, parent: Folder, name: string): Folder {
  const folder = makeFolder(parent, name);
  if (parent.children === noFolders) parent.children = new Map();
  parent.children.set(name, folder);
  const alike = trie.foldersByName.get(name);
  if (alike === undefined) trie.foldersByName.set(name, new Set([folder]));
  else alike.add(folder);
  return folder;
}

function addName(folder: Folder, alternative: Alternative): Spot {
  const spot = makeSpot(folder, alternative);
  if (folder.names === noNames) folder.names = new Map();
  folder.names.set(nameOf(alternative), spot);
  const mark = markOf(endingFor(alternative));
  for (let at: Folder | null = folder; at !== null; at = at.parent) {
    if ((at.nameMarks & mark) !== 0) break;
    at.nameMarks |= mark;
  }
  return spot;
}

function addShape(folder: Folder, alternative: Alternative): Spot {
  const spot = makeSpot(folder, alternative);
  const ending = endingFor(alternative);
  if (folder.shapes === noShapes) folder.shapes = new Map();
  const shapes = folder.shapes.get(ending);
  if (shapes === undefined) folder.shapes.set(ending, new Map([[alternative.text, spot]]));
  else shapes.set(alternative.text, spot);
  const mark = markOf(ending);
  for (let at: Folder | null = folder; at !== null; at = at.parent) {
    if ((at.shapeMarks & mark) !== 0) break;
    at.shapeMarks |= mark;
  }
  return spot;
}

function removeSpot(folder: Folder, alternative: Alternative, spot: Spot): boolean {
  switch (alternative.kind) {
    case "subtree":
      if (folder.subtree !== spot) return false;
      folder.subtree = null;
      return true;
    case "path":
      if (folder.names.get(nameOf(alternative)) !== spot) return false;
      folder.names.delete(nameOf(alternative));
      return true;
    case "shape": {
      const ending = endingFor(alternative);
      const shapes = folder.shapes.get(ending);
      if (shapes?.get(alternative.text) !== spot) return false;
      shapes.delete(alternative.text);
      if (shapes.size === 0) folder.shapes.delete(ending);
      return true;
    }
  }
}

function endingFor({ ending }: Alternative): string {
  return ending ?? openEnding;
}

function isBare({ subtree, names, shapes, children }: Folder): boolean {
  return subtree === null && names.size === 0 && shapes.size === 0 && children.size === 0;
}
