import { gappedMeet } from "./gaps.ts";
import type { GapRules } from "./gaps.ts";

/**
 * The algebra of claim globs: may two of them meet, does a path match (whether one contains another
 * is in `globContains.ts`). Exact for the grammar of `ipc/glob.ts` (`*`, `?`, `**` as a whole segment,
 * `{a,b}`), never guessed from prefixes. `a/**` also matches `a`.
 *
 * Letter case and links are not known here: whoever hands a glob to the core has spelled it as the
 * repository spells its paths (the seam is `ipc/glob.ts`: what its normal form leaves open is folded
 * by the shell, before a claim is submitted and before a touched path is reported).
 *
 * A glob is compiled to its alternatives (braces expanded), each a list of segments: literal text, a
 * wildcard (characters, `?` = any one, `*` = any run) or `**` (any number of segments).
 */
export type Pattern = { readonly glob: string; readonly alternatives: readonly Alternative[] };

export type Alternative = {
  readonly text: string;
  /** Literal segments in front: the folder that everything it matches is in, or is. */
  readonly folder: readonly string[];
  /** What follows: one name for a path, `**` for a folder with all below it, else the wildcards. */
  readonly rest: Segments;
  readonly kind: "path" | "subtree" | "shape";
  /** Of `wholeOf`, once somebody has asked. */
  whole: Segments | null;
  /** `endingOf` of whatever it matches; `null` when that is open. */
  readonly ending: string | null;
};

export type Segments = readonly Segment[];
export type Segment = Literal | Wild | Deep;
type Literal = { readonly kind: "literal"; readonly text: string };
type Wild = {
  readonly kind: "wild";
  readonly text: string;
  /** What stands before the first wildcard, and behind the last. */
  readonly head: string;
  readonly tail: string;
  /** Characters by their codes, and `anyLetter` and `anyRun`. */
  readonly letters: readonly number[];
  /** A single `*` and nothing else between them. */
  readonly plain: boolean;
  /** What stands between the first `*` and the last, without the `*`; no `*`: `null`. */
  readonly runs: readonly string[] | null;
};
type Deep = { readonly kind: "deep" };

const deep: Deep = { kind: "deep" };
const deepText = "**";

/** Globs whose compiled form is kept, twice over: a full half makes the other one the old half. */
const compiledMax = 16_384;
let young = new Map<string, Pattern>();
let old = new Map<string, Pattern>();

/** A glob with wildcards gives the same compiled form as long as it is in use. */
export function compileGlob(glob: string): Pattern {
  if (isPath(glob)) return { glob, alternatives: [compilePath(glob)] };
  const known = young.get(glob);
  if (known !== undefined) return known;
  const pattern = old.get(glob) ?? compileAnew(glob);
  if (young.size >= compiledMax) {
    old = young;
    young = new Map();
  }
  young.set(glob, pattern);
  return pattern;
}

/** Without anything that means something in a glob. */
export function isPath(glob: string): boolean {
  return !/[*?{]/.test(glob);
}

/** A path as it is on disk: whatever its names hold stands for itself. */
export function compilePath(path: string): Alternative {
  const folder = path.split("/");
  const name = folder.pop() ?? "";
  return {
    text: path,
    folder,
    rest: [literal(name)],
    kind: "path",
    ending: endingOf(name),
    whole: null,
  };
}

/** Is there a path that both match? */
export function globsMeet(left: Pattern, right: Pattern): boolean {
  return left.alternatives.some((a) => right.alternatives.some((b) => alternativesMeet(a, b)));
}

export function globMatches(pattern: Pattern, path: string): boolean {
  const segments = path.split("/").map(literal);
  return pattern.alternatives.some((one) => segmentsMeet(wholeOf(one), segments));
}

/** Does it match every path there can be? As `**` does, and `**\/*`, `*\/**` and `?*\/**` do. */
export function matchesEverything({ alternatives }: Pattern): boolean {
  return alternatives.some(({ folder, rest }) => {
    if (folder.length > 0) return false;
    const [name, more] = rest.filter(({ kind }) => kind !== "deep");
    const isAnyDepth = rest.some(({ kind }) => kind === "deep");
    return isAnyDepth && more === undefined && (name === undefined || matchesEveryName(name));
  });
}

function matchesEveryName(name: Segment): boolean {
  if (name.kind !== "wild" || name.runs === null) return name.kind === "deep";
  // A name has a letter at least, so one `?` keeps none of them out.
  return /^\*?\??\*?$/.test(name.text);
}

/** All segments, those of the folder as well. */
export function wholeOf(alternative: Alternative): Segments {
  alternative.whole ??= [...alternative.folder.map(literal), ...alternative.rest];
  return alternative.whole;
}

/** Is there a path that both lists of segments match, without the first ones of the second? */
export function segmentsMeet(a: Segments, b: Segments, bFrom = 0): boolean {
  return gappedMeet(a, b, pathRules, 0, bFrom);
}

export function nameMatches(segment: Segment, name: string): boolean {
  if (segment.kind === "deep") return true;
  if (segment.kind === "literal") return segment.text === name;
  const { head, tail } = segment;
  if (name.length < head.length + tail.length) return false;
  if (!name.startsWith(head) || !name.endsWith(tail)) return false;
  return segment.plain || lettersFit(segment, name);
}

/** Beyond head and tail. Each run goes where it fits first, which leaves the most for the next. */
function lettersFit({ text, runs }: Wild, name: string): boolean {
  if (runs === null) return text.length === name.length && fitsAt(text, name, 0);
  const end = name.length - (text.length - text.lastIndexOf("*") - 1);
  let at = text.indexOf("*");
  if (at > end || !fitsAt(text.slice(0, at), name, 0)) return false;
  if (!fitsAt(text.slice(text.lastIndexOf("*") + 1), name, end)) return false;
  for (const run of runs) {
    at = placeOf(run, name, at);
    if (at < 0 || at + run.length > end) return false;
    at += run.length;
  }
  return true;
}

/** Where in the name, from `from` on, the run fits first; -1: nowhere. */
function placeOf(run: string, name: string, from: number): number {
  if (!run.includes("?")) return name.indexOf(run, from);
  for (let at = from; at + run.length <= name.length; at += 1) if (fitsAt(run, name, at)) return at;
  return -1;
}

function fitsAt(run: string, name: string, at: number): boolean {
  for (let index = 0; index < run.length; index += 1) {
    const code = run.charCodeAt(index);
    if (code !== anyOne && code !== name.charCodeAt(at + index)) return false;
  }
  return true;
}

/** Is there a name that both segments match? */
export function namesMeet(left: Segment, right: Segment): boolean {
  return pathRules.meet(left, right);
}

/** How a name ends, from its last dot on, or all of it: what names are sorted by, to find them again. */
export function endingOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? name : name.slice(dot);
}

/** The same of all names that match: with a dot behind the last wildcard they end alike. */
export function endingOfAll(final: Segment): string | null {
  if (final.kind === "deep") return null;
  if (final.kind === "literal") return endingOf(final.text);
  return final.tail.includes(".") ? endingOf(final.tail) : null;
}

export function literal(text: string): Literal {
  return { kind: "literal", text };
}

/** `a{b,c}d` → `abd`, `acd`. Braces that are not a list of alternatives stand for themselves. */
export function expandBraces(glob: string): string[] {
  const open = glob.indexOf("{");
  const close = glob.indexOf("}", open);
  if (open < 0 || close < 0) return [glob];
  const inner = glob.slice(open + 1, close);
  if (!inner.includes(",") || inner.includes("{")) return [glob];
  const head = glob.slice(0, open);
  const tails = expandBraces(glob.slice(close + 1));
  return inner.split(",").flatMap((choice) => tails.map((tail) => `${head}${choice}${tail}`));
}

function compileAnew(glob: string): Pattern {
  return { glob, alternatives: expandBraces(glob).map((text) => alternative(text)) };
}

function alternative(text: string): Alternative {
  const names = text.split("/");
  const wild = names.findIndex(isWild);
  if (wild < 0) return compilePath(text);
  const whole = names.map(segment);
  const rest = whole.slice(wild);
  const final = rest.at(-1) ?? deep;
  const kind = rest.length === 1 && final.kind === "deep" ? "subtree" : "shape";
  return { text, folder: names.slice(0, wild), rest, kind, whole, ending: endingOfAll(final) };
}

function isWild(name: string): boolean {
  return name.includes("*") || name.includes("?");
}

function segment(text: string): Segment {
  if (text === deepText) return deep;
  if (!isWild(text)) return literal(text);
  const [head = ""] = text.split(/[*?]/, 1);
  const tail = text.slice(Math.max(text.lastIndexOf("*"), text.lastIndexOf("?")) + 1);
  const letters = codesOf(text).map((code) => wildcards.get(code) ?? code);
  const runs = text.includes("*") ? text.split("*").slice(1, -1) : null;
  return { kind: "wild", text, head, tail, letters, plain: text === `${head}*${tail}`, runs };
}

/** What both begin with literally is compared first: most pairs differ there already. */
export function alternativesMeet(a: Alternative, b: Alternative): boolean {
  const shared = Math.min(a.folder.length, b.folder.length);
  for (let at = 0; at < shared; at += 1) if (a.folder[at] !== b.folder[at]) return false;
  return gappedMeet(wholeOf(a), wholeOf(b), pathRules, shared, shared);
}

export const pathRules: GapRules<Segment> = {
  isGap: (item) => item.kind === "deep",
  meet: (left, right) => {
    if (left.kind === "literal") return nameMatches(right, left.text);
    if (right.kind === "literal") return nameMatches(left, right.text);
    if (left.kind === "deep" || right.kind === "deep") return true;
    // Most pairs differ at an end, and nothing else can tell two apart that have one `*` each.
    if (!beginAlike(left.head, right.head) || !endAlike(left.tail, right.tail)) return false;
    return (left.plain && right.plain) || gappedMeet(left.letters, right.letters, nameRules);
  },
};

function beginAlike(left: string, right: string): boolean {
  return left.length <= right.length ? right.startsWith(left) : left.startsWith(right);
}

function endAlike(left: string, right: string): boolean {
  return left.length <= right.length ? right.endsWith(left) : left.endsWith(right);
}

/** No character has these codes. */
export const anyLetter = -1;
export const anyRun = -2;
const anyOne = "?".charCodeAt(0);
const wildcards = new Map([
  [anyOne, anyLetter],
  ["*".charCodeAt(0), anyRun],
]);

export const nameRules: GapRules<number> = {
  isGap: (item) => item === anyRun,
  meet: (left, right) => left === right || left === anyLetter || right === anyLetter,
};

export function codesOf(text: string): number[] {
  return Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
}
