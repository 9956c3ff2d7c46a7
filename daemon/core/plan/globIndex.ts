import { branchAt, childAt, eachChild, eachLeaf, makeBranch } from "./segmentTree.ts";
import { literal, segmentsMeet } from "../glob.ts";
import type { Branch } from "./segmentTree.ts";
import type { Segment, Segments } from "../glob.ts";

/**
 * Which of many globs meet, without comparing each with each. A glob without braces is one of two kinds:
 *
 *     fixed    src/*\/a.ts             a number of segments
 *     gapped   src/**\/test/**\/*.ts   head `src`, gaps, tail `*.ts`; both may be empty
 *
 *   fixed + fixed    meet if they are equally long and meet segment by segment
 *   gapped + gapped  meet if their heads meet as far as the shorter one goes, and their tails do: a gap
 *                    takes whatever the other one has left over
 *   fixed + gapped   head and tail meet those of the path, side by side, and what is between the gaps
 *                    finds its place: asked of the exact algebra
 *
 * So fixed ones are in a tree by their segments, gapped ones in a tree by their heads, each head with a
 * tree of tails, read from the end. A path without wildcards looks into both trees and is in neither. The
 * way down both trees to a folder is gone once for all globs that begin there (`Reached`); the rest grows
 * with the length of a glob and with what it meets, as long as what has wildcards at the same place
 * begins or ends differently there (`nameTable.ts`).
 */
export type GlobIndex = {
  readonly top: Folder;
  readonly folders: Map<string, Folder>;
};

/** A folder that globs begin with literally. */
export type Folder = {
  readonly name: Segment;
  readonly above: Folder | null;
  below: Folder[];
  /** What stands in it, in the order it was placed. */
  readonly keys: number[];
  /** Its nodes in both trees, for those that add globs. */
  fixed: Branch<number> | null;
  gapped: Branch<Tails> | null;
  /** For those that ask. */
  reached: Reached | null;
};

/** A glob without braces: the literal folder in front, and what follows. */
export type Placed = { readonly folder: Folder; readonly rest: Segments };

type Tails = Branch<Gapped[]>;
type Gapped = { readonly key: number; readonly placed: Placed; readonly gaps: number };

/** Where the names of a folder lead. */
type Reached = {
  readonly depth: number;
  /** Nodes of both trees that exactly these names lead to. */
  readonly fixed: readonly Branch<number>[];
  readonly heads: readonly Branch<Tails>[];
  /** Heads that are at an end here or on the way, with how many names they took. */
  readonly ended: Ended | null;
};

type Ended = { readonly tails: Tails; readonly depth: number; readonly next: Ended | null };

export function makeGlobIndex(): GlobIndex {
  const top = makeFolder(literal(""), null);
  return { top, folders: new Map([["", top]]) };
}

/** @param path "" for the top */
export function folderIn(index: GlobIndex, path: string): Folder {
  const known = index.folders.get(path);
  if (known !== undefined) return known;
  const cut = path.lastIndexOf("/");
  const above = folderIn(index, path.slice(0, Math.max(cut, 0)));
  const made = makeFolder(literal(path.slice(cut + 1)), above);
  if (above.below === none) above.below = [made];
  else above.below.push(made);
  index.folders.set(path, made);
  return made;
}

/** All are added before the first question. @param key what `eachMet` names it by; each is added once */
export function addGlob(key: number, placed: Placed): void {
  const { folder, rest } = placed;
  const first = rest.findIndex(isDeep);
  if (first < 0) {
    if (rest.some(isWild)) branchAt(fixedOf(folder), rest).leaf = key;
    return;
  }
  const head = branchAt(gappedOf(folder), rest.slice(0, first));
  head.leaf ??= makeBranch();
  const tail = rest.slice(rest.findLastIndex(isDeep) + 1).toReversed();
  const end = branchAt(head.leaf, tail);
  end.leaf ??= [];
  end.leaf.push({ key, placed, gaps: rest.filter(isDeep).length });
}

/** Visits those in it and below it, neighbours one after the other: what they ask for is still near. */
export function eachKeyIn(folder: Folder, visit: (key: number) => void): void {
  for (const key of folder.keys) visit(key);
  for (const one of folder.below) eachKeyIn(one, visit);
}

/**
 * Visits globs that meet this one. Of two that meet, one at least finds the other: the one that is a path,
 * else the one without gaps, else the one with the longer head. A path does not find itself.
 */
export function eachMet(placed: Placed, visit: (key: number) => void): void {
  const { folder, rest } = placed;
  const reached = reach(folder);
  const first = rest.findIndex(isDeep);
  const isFixed = first < 0;
  if (isFixed) for (const branch of reached.fixed) meetFixed(branch, rest, 0, visit);
  const asked: Asked = {
    folder,
    rest,
    depth: reached.depth,
    length: isFixed ? reached.depth + rest.length : Infinity,
    headLength: isFixed ? rest.length : first,
    tailLength: isFixed ? Infinity : rest.length - 1 - rest.findLastIndex(isDeep),
  };
  for (let at = reached.ended; at !== null; at = at.next)
    meetTails(at.tails, asked, at.depth, 0, visit);
  for (const branch of reached.heads) meetHeads(branch, asked, 0, visit);
}

type Asked = {
  readonly folder: Folder;
  readonly rest: Segments;
  /** How many names its folder has. */
  readonly depth: number;
  /** Of the paths it matches; `Infinity` for a gapped one. */
  readonly length: number;
  /** Segments of `rest` before its first gap, and all behind its last. */
  readonly headLength: number;
  readonly tailLength: number;
};

function reach(folder: Folder): Reached {
  folder.reached ??= folder.above === null ? atTop(folder) : step(reach(folder.above), folder.name);
  return folder.reached;
}

function atTop({ fixed, gapped }: Folder): Reached {
  const heads = gapped === null ? nowhere : [gapped];
  return {
    depth: 0,
    fixed: fixed === null ? nowhere : [fixed],
    heads,
    ended: endedAt(heads, 0, null),
  };
}

function step(above: Reached, name: Segment): Reached {
  const depth = above.depth + 1;
  const heads = childrenOf(above.heads, name);
  const fixed = childrenOf(above.fixed, name);
  return { depth, fixed, heads, ended: endedAt(heads, depth, above.ended) };
}

const nowhere: readonly never[] = [];

function childrenOf<Leaf>(
  branches: readonly Branch<Leaf>[],
  name: Segment,
): readonly Branch<Leaf>[] {
  if (branches.length === 0) return nowhere;
  const children: Branch<Leaf>[] = [];
  for (const branch of branches) eachChild(branch, name, (child) => children.push(child));
  return children;
}

function endedAt(
  heads: readonly Branch<Tails>[],
  depth: number,
  before: Ended | null,
): Ended | null {
  let ended = before;
  for (const { leaf } of heads) if (leaf !== null) ended = { tails: leaf, depth, next: ended };
  return ended;
}

function meetFixed(
  branch: Branch<number>,
  rest: Segments,
  at: number,
  visit: (key: number) => void,
): void {
  const segment = rest[at];
  if (segment === undefined) {
    if (branch.leaf !== null) visit(branch.leaf);
    return;
  }
  eachChild(branch, segment, (child) => meetFixed(child, rest, at + 1, visit));
}

/** Below a node whose own tails are done with. */
function meetHeads(
  branch: Branch<Tails>,
  asked: Asked,
  at: number,
  visit: (key: number) => void,
): void {
  const segment = at < asked.headLength ? asked.rest[at] : undefined;
  if (segment === undefined || branch.children === null) return;
  eachChild(branch, segment, (child) => {
    if (child.leaf !== null) meetTails(child.leaf, asked, asked.depth + at + 1, 0, visit);
    meetHeads(child, asked, at + 1, visit);
  });
}

/** @param headLength segments of the path that the heads have taken */
function meetTails(
  branch: Tails,
  asked: Asked,
  headLength: number,
  depth: number,
  visit: (key: number) => void,
): void {
  if (depth >= asked.tailLength) {
    eachLeaf(branch, (found) => accept(found, asked, visit));
    return;
  }
  if (branch.leaf !== null) accept(branch.leaf, asked, visit);
  if (branch.children === null || headLength + depth >= asked.length) return;
  const segment = fromTheEnd(asked, depth);
  if (segment === undefined) return;
  eachChild(branch, segment, (child) => meetTails(child, asked, headLength, depth + 1, visit));
}

function accept(found: readonly Gapped[], asked: Asked, visit: (key: number) => void): void {
  for (const { key, placed, gaps } of found)
    if (gaps === 1 || asked.length === Infinity || meetsBetween(placed, asked)) visit(key);
}

function meetsBetween(placed: Placed, asked: Asked): boolean {
  return segmentsMeet(wholeOf(placed), wholeOf(asked));
}

function wholeOf({ folder, rest }: Placed): Segments {
  const whole = rest.toReversed();
  for (let at = folder; at.above !== null; at = at.above) whole.push(at.name);
  return whole.toReversed();
}

function fromTheEnd({ folder, rest }: Asked, depth: number): Segment | undefined {
  if (depth < rest.length) return rest[rest.length - 1 - depth];
  let at: Folder | null = folder;
  for (let left = depth - rest.length; left > 0 && at !== null; left -= 1) at = at.above;
  return at === null || at.above === null ? undefined : at.name;
}

/** Shared by all folders with nothing below. */
const none: Folder[] = [];

function makeFolder(name: Segment, above: Folder | null): Folder {
  return { name, above, below: none, keys: [], fixed: null, gapped: null, reached: null };
}

function fixedOf(folder: Folder): Branch<number> {
  folder.fixed ??=
    folder.above === null ? makeBranch() : childAt(fixedOf(folder.above), folder.name);
  return folder.fixed;
}

function gappedOf(folder: Folder): Branch<Tails> {
  folder.gapped ??=
    folder.above === null ? makeBranch() : childAt(gappedOf(folder.above), folder.name);
  return folder.gapped;
}

function isWild(segment: Segment): boolean {
  return segment.kind !== "literal";
}

function isDeep(segment: Segment): boolean {
  return segment.kind === "deep";
}
