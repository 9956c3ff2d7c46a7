import { addNamed, hashOf, itemNamed, listOf, removeNamed } from "./named.ts";
import { isEmpty, makeSpot } from "./claimSpot.ts";
import { literal } from "./glob.ts";
import type { Alternative, Segment } from "./glob.ts";
import type { NamedList } from "./named.ts";
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
  /** Of its path; `next` has one with the same last bits. */
  readonly hash: number;
  readonly parent: Folder | null;
  readonly name: string;
  next: Folder | null;
  subtree: Spot | null;
  /** Made when there is the first, as are the lists and tallies below. In no particular order. */
  children: Folder[];
  names: NamedList<Spot>;
  shapes: NamedList<Shapes>;
  nameMarks: number;
  shapeMarks: number;
  /** Places here and below by standing and mode: on names and shapes, on shapes, on subtrees. */
  inside: Tally;
  shaped: Tally;
  subtrees: Tally;
  readonly alike: Alike;
  /** Its index among its parent's children, and among those of its name. */
  at: number;
  alikeAt: number;
};

/** The folders of one name, and the segment that stands for it. */
export type Alike = {
  readonly name: string;
  at: number;
  next: Alike | null;
  readonly segment: Segment;
  readonly folders: Folder[];
};

/** Those with one ending, which is the name, by their text. */
export type Shapes = {
  readonly name: string;
  at: number;
  next: Shapes | null;
  readonly spots: NamedList<Spot>;
};
export type Tally = number[];

export type Trie = {
  readonly root: Folder;
  /** Folders by the last bits of their hash: a step down reads two places in memory, not a list. */
  buckets: (Folder | null)[];
  /** How many are in there: all but the root. */
  folders: number;
  readonly foldersByName: NamedList<Alike>;
  /** Folders that were left empty: they may soon be wanted again, so they go many at a time. */
  emptied: Folder[];
};

/** The ending of shapes that may end in any way; no name has it. */
export const openEnding = "/";

const marks = 31;
/** Empty folders kept. */
const emptiedMax = 128;
const bucketsMin = 64;

const noFolders: Folder[] = [];
const noNames: NamedList<Spot> = { items: [], buckets: null };
const noShapes: NamedList<Shapes> = { items: [], buckets: null };
const noTally: Tally = [0, 0, 0, 0, 0, 0];

export function makeTrie(): Trie {
  return {
    root: makeFolder(null, makeAlike("")),
    buckets: Array.from<Folder | null>({ length: bucketsMin }).fill(null),
    folders: 0,
    foldersByName: { items: [], buckets: null },
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

/** The folder of that name right below. */
export function childOf({ buckets }: Trie, folder: Folder, name: string): Folder | null {
  const hash = hashOf(name, folder.hash);
  let child = buckets[hash & (buckets.length - 1)] ?? null;
  while (child !== null) {
    if (child.hash === hash && child.parent === folder && child.name === name) return child;
    child = child.next;
  }
  return null;
}

/** The spot that this stands for, made if nobody has claimed it yet. */
export function spotOf(trie: Trie, alternative: Alternative): Spot {
  let folder = trie.root;
  for (const name of alternative.folder)
    folder = childOf(trie, folder, name) ?? addFolder(trie, folder, name);
  switch (alternative.kind) {
    case "subtree":
      folder.subtree ??= makeSpot(folder, alternative, "");
      return folder.subtree;
    case "path":
      return itemNamed(folder.names, nameOf(alternative)) ?? addName(folder, alternative);
    case "shape":
      return shapeAt(folder, alternative) ?? addShape(folder, alternative);
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
      if (folder.parent.children[folder.at] !== folder) break;
      removeFolder(trie, folder, folder.parent);
      folder = folder.parent;
    }
}

function removeFolder(trie: Trie, folder: Folder, { children }: Folder): void {
  const last = children.pop();
  if (last !== undefined && last !== folder) {
    children[folder.at] = last;
    last.at = folder.at;
  }
  removeAlike(trie, folder);
  const { buckets } = trie;
  const bucket = folder.hash & (buckets.length - 1);
  let before = buckets[bucket] ?? null;
  if (before === folder) buckets[bucket] = folder.next;
  while (before !== null && before.next !== folder) before = before.next;
  if (before !== null) before.next = folder.next;
  folder.next = null;
  trie.folders -= 1;
}

function removeAlike({ foldersByName }: Trie, { alike, alikeAt }: Folder): void {
  const last = alike.folders.pop();
  if (last !== undefined && last.alikeAt !== alikeAt) {
    alike.folders[alikeAt] = last;
    last.alikeAt = alikeAt;
  }
  if (alike.folders.length === 0) removeNamed(foldersByName, alike);
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

function makeFolder(parent: Folder | null, alike: Alike): Folder {
  return {
    hash: hashOf(alike.name, parent?.hash),
    parent,
    name: alike.name,
    next: null,
    subtree: null,
    children: noFolders,
    names: noNames,
    shapes: noShapes,
    nameMarks: 0,
    shapeMarks: 0,
    inside: noTally,
    shaped: noTally,
    subtrees: noTally,
    alike,
    at: parent?.children.length ?? 0,
    alikeAt: alike.folders.length,
  };
}

function makeAlike(name: string): Alike {
  return { name, at: 0, next: null, segment: literal(name), folders: [] };
}

function addFolder(trie: Trie, parent: Folder, name: string): Folder {
  const { foldersByName } = trie;
  let alike = itemNamed(foldersByName, name);
  if (alike === null) {
    alike = makeAlike(name);
    addNamed(foldersByName, alike);
  }
  const folder = makeFolder(parent, alike);
  alike.folders.push(folder);
  if (parent.children === noFolders) parent.children = [folder];
  else parent.children.push(folder);
  trie.folders += 1;
  if (trie.folders > trie.buckets.length) sortAnew(trie);
  putInto(trie.buckets, folder);
  return folder;
}

/** Twice as many buckets. They are never fewer again: an empty one is a word of memory. */
function sortAnew(trie: Trie): void {
  const buckets = Array.from<Folder | null>({ length: 2 * trie.buckets.length }).fill(null);
  for (let folder of trie.buckets)
    while (folder !== null) {
      const { next } = folder;
      putInto(buckets, folder);
      folder = next;
    }
  trie.buckets = buckets;
}

function putInto(buckets: (Folder | null)[], folder: Folder): void {
  const bucket = folder.hash & (buckets.length - 1);
  folder.next = buckets[bucket] ?? null;
  buckets[bucket] = folder;
}

function addName(folder: Folder, alternative: Alternative): Spot {
  const spot = makeSpot(folder, alternative, nameOf(alternative));
  if (folder.names === noNames) folder.names = listOf(spot);
  else addNamed(folder.names, spot);
  const mark = markOf(endingFor(alternative));
  for (let at: Folder | null = folder; at !== null; at = at.parent) {
    if ((at.nameMarks & mark) !== 0) break;
    at.nameMarks |= mark;
  }
  return spot;
}

function shapeAt({ shapes }: Folder, alternative: Alternative): Spot | null {
  const same = itemNamed(shapes, endingFor(alternative));
  return same === null ? null : itemNamed(same.spots, alternative.text);
}

function addShape(folder: Folder, alternative: Alternative): Spot {
  const spot = makeSpot(folder, alternative, alternative.text);
  const ending = endingFor(alternative);
  const same = itemNamed(folder.shapes, ending);
  if (same === null) {
    const shapes: Shapes = { name: ending, at: 0, next: null, spots: listOf(spot) };
    if (folder.shapes === noShapes) folder.shapes = listOf(shapes);
    else addNamed(folder.shapes, shapes);
  } else addNamed(same.spots, spot);
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
      if (folder.names.items[spot.at] !== spot) return false;
      removeNamed(folder.names, spot);
      return true;
    case "shape": {
      const shapes = itemNamed(folder.shapes, endingFor(alternative));
      if (shapes?.spots.items[spot.at] !== spot) return false;
      removeNamed(shapes.spots, spot);
      if (shapes.spots.items.length === 0) removeNamed(folder.shapes, shapes);
      return true;
    }
  }
}

function endingFor({ ending }: Alternative): string {
  return ending ?? openEnding;
}

function isBare({ subtree, names, shapes, children }: Folder): boolean {
  const left = names.items.length + shapes.items.length + children.length;
  return subtree === null && left === 0;
}
