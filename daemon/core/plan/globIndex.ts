import { segmentsMeet } from "../glob.ts";
import { branchAt, eachLeaf, eachChild, makeBranch } from "./segmentTree.ts";
import type { Segment, Segments } from "../glob.ts";
import type { Branch } from "./segmentTree.ts";

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
 * work grows with the length of a glob and with what it meets, as long as what has wildcards at the same
 * place begins differently there (`nameTable.ts`).
 */
export type GlobIndex = {
  readonly fixed: Branch<number>;
  readonly gapped: Branch<Branch<Gapped[]>>;
};

type Gapped = { readonly key: number; readonly whole: Segments; readonly gaps: number };

export function makeGlobIndex(): GlobIndex {
  return { fixed: makeBranch(), gapped: makeBranch() };
}

/** @param key what `eachMet` names it by; each glob is added once */
export function addGlob({ fixed, gapped }: GlobIndex, key: number, whole: Segments): void {
  const first = whole.findIndex(isDeep);
  if (first < 0) {
    if (whole.some(isWild)) branchAt(fixed, whole).leaf = key;
    return;
  }
  const head = branchAt(gapped, whole.slice(0, first));
  head.leaf ??= makeBranch();
  const end = branchAt(head.leaf, tailOf(whole));
  end.leaf ??= [];
  end.leaf.push({ key, whole, gaps: whole.filter(isDeep).length });
}

/**
 * Visits globs that meet this one. Of two that meet, one at least finds the other: the one that is a path,
 * else the one without gaps, else the one with the longer head. A path does not find itself.
 */
export function eachMet(index: GlobIndex, whole: Segments, visit: (key: number) => void): void {
  const first = whole.findIndex(isDeep);
  if (first < 0) meetFixed(index.fixed, whole, 0, visit);
  const asked: Asked = {
    whole,
    length: first < 0 ? whole.length : Infinity,
    head: first < 0 ? whole : whole.slice(0, first),
    tail: first < 0 ? whole.toReversed() : tailOf(whole),
  };
  meetHeads(index.gapped, asked, 0, visit);
}

type Asked = {
  readonly whole: Segments;
  /** Of the paths it matches; `Infinity` for a gapped one. */
  readonly length: number;
  readonly head: Segments;
  /** From the end. */
  readonly tail: Segments;
};

function meetFixed(
  branch: Branch<number>,
  whole: Segments,
  at: number,
  visit: (key: number) => void,
): void {
  const segment = whole[at];
  if (segment === undefined) {
    if (branch.leaf !== null) visit(branch.leaf);
    return;
  }
  eachChild(branch, segment, (child) => meetFixed(child, whole, at + 1, visit));
}

function meetHeads(
  branch: Branch<Branch<Gapped[]>>,
  asked: Asked,
  depth: number,
  visit: (key: number) => void,
): void {
  if (branch.leaf !== null) meetTails(branch.leaf, asked, depth, 0, visit);
  const segment = asked.head[depth];
  if (segment === undefined) return;
  eachChild(branch, segment, (child) => meetHeads(child, asked, depth + 1, visit));
}

/** @param headLength segments of the path that the heads have taken */
function meetTails(
  branch: Branch<Gapped[]>,
  asked: Asked,
  headLength: number,
  depth: number,
  visit: (key: number) => void,
): void {
  const accept = (found: readonly Gapped[]): void => {
    for (const { key, whole, gaps } of found)
      if (gaps === 1 || asked.length === Infinity || segmentsMeet(whole, asked.whole)) visit(key);
  };
  const segment = asked.tail[depth];
  if (asked.length === Infinity && segment === undefined) {
    eachLeaf(branch, accept);
    return;
  }
  if (branch.leaf !== null) accept(branch.leaf);
  if (segment === undefined || headLength + depth >= asked.length) return;
  eachChild(branch, segment, (child) => meetTails(child, asked, headLength, depth + 1, visit));
}

function tailOf(whole: Segments): Segments {
  return whole.slice(whole.findLastIndex(isDeep) + 1).toReversed();
}

function isWild(segment: Segment): boolean {
  return segment.kind !== "literal";
}

function isDeep(segment: Segment): boolean {
  return segment.kind === "deep";
}
