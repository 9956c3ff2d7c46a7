import { attributeLine, byteOrderMark, hasTooManyWildcards } from "./attributeLine.ts";
import type { AttributeLine } from "./attributeLine.ts";
import type { MergeEffect, MergeRule, MergeRuleChange } from "../ipc/mergeRules.ts";

/**
 * What a `.gitattributes` says about merging, for people: each line that has a word for it, a macro of the
 * root's file included, and each that is too dear to be matched.
 *
 *     *.md  text merge=union     both_sides      lock  -merge      conflict
 *     *.png binary               conflict        *.c   merge=mine  text (no driver of anybody's is run)
 *     a*b*c*d*e*f*g*h  text      too_many_wildcards
 */
export type Macros = ReadonlyMap<string, readonly string[]>;

/** Larger ones are not read. */
export const fileBytesMax = 256 * 1024;
export const rootFile = ".gitattributes";

const macroMark = "[attr]";
/** git leaves out longer ones. */
const lineBytesMax = 2_048;
const shownMax = 200;
/** By one line. */
const macrosSeenMax = 100;

/** Macros count in the file at the root alone. `text`: of that; empty: there is none. */
export function macrosOf(text: string): Macros {
  const macros = new Map<string, readonly string[]>([["binary", ["-diff", "-merge", "-text"]]]);
  for (const line of linesOf(text)) {
    const pattern = line.pattern.trim();
    if (pattern.startsWith(macroMark)) macros.set(pattern.slice(macroMark.length), wordsOf(line));
  }
  return macros;
}

/** `text`: of `file`; one character a byte, as are the rules. */
export function mergeRulesOf(file: string, text: string, macros: Macros): MergeRule[] {
  const isNested = file.includes("/");
  return linesOf(text).flatMap((line) => {
    const pattern = line.pattern.trim();
    if (pattern === "" || pattern.startsWith("#") || pattern.startsWith("!")) return [];
    if (isNested && pattern.startsWith(macroMark)) return [];
    const found = ruleOf(line, macros);
    return found === null ? [] : [{ file, pattern: pattern.slice(0, shownMax), ...found }];
  });
}

function ruleOf(line: AttributeLine, macros: Macros): Pick<MergeRule, "words" | "effect"> | null {
  if (!hasTooManyWildcards(line)) return decidedBy(wordsOf(line), macros);
  return { words: wordsOf(line).join(" ").slice(0, shownMax), effect: "too_many_wildcards" };
}

/** Of several the last counts. */
function decidedBy(
  words: readonly string[],
  macros: Macros,
): Pick<MergeRule, "words" | "effect"> | null {
  const seen = new Set<string>();
  for (const word of words.toReversed()) {
    const effect = meantBy(word, macros, seen);
    if (effect !== null) return { words: word.slice(0, shownMax), effect };
  }
  return null;
}

/** Macros of macros are looked into once each, as git does; `seen`: those that were. */
function meantBy(word: string, macros: Macros, seen: Set<string>): MergeEffect | null {
  const open = [word];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const effect = effectOf(next);
    if (effect !== null) return effect;
    const meant = macros.get(next);
    if (meant === undefined || seen.has(next) || seen.size === macrosSeenMax) continue;
    seen.add(next);
    open.push(...meant);
  }
  return null;
}

function effectOf(word: string): MergeEffect | null {
  if (word === "-merge" || word === "merge=binary") return "conflict";
  if (word === "!merge") return "default";
  if (word === "merge=union") return "both_sides";
  return word === "merge" || word.startsWith("merge=") ? "text" : null;
}

/** From the rules of a file to those that it has then. Where only their order differs, those that are moved are added. */
export function ruleChanges(
  before: readonly MergeRule[],
  after: readonly MergeRule[],
): MergeRuleChange[] {
  const [old, now] = [before.map(keyOf), after.map(keyOf)];
  const [known, still] = [new Set(old), new Set(now)];
  const gone = before.filter((rule) => !still.has(keyOf(rule)));
  const come = after.filter((rule) => !known.has(keyOf(rule)));
  const first = gone.length + come.length > 0 ? -1 : now.findIndex((key, at) => key !== old[at]);
  return [
    ...(first < 0 ? come : after.slice(first)).map((rule) => ({
      ...rule,
      change: "added" as const,
    })),
    ...gone.map((rule) => ({ ...rule, change: "removed" as const })),
  ];
}

function keyOf({ pattern, words, effect }: MergeRule): string {
  return `${pattern}\n${words}\n${effect}`;
}

function linesOf(text: string): AttributeLine[] {
  const start = text.startsWith(byteOrderMark) ? byteOrderMark.length : 0;
  const lines = text.slice(start).split("\n");
  return lines.filter((line) => line.length < lineBytesMax).map(attributeLine);
}

function wordsOf({ states }: AttributeLine): string[] {
  return states.split(/[ \t\r]+/).filter(Boolean);
}
