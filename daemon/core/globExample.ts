import {
  alternativesMeet,
  anyLetter,
  anyRun,
  codesOf,
  compileGlob,
  nameRules,
  pathRules,
  wholeOf,
} from "./glob.ts";
import { gappedWitness } from "./gaps.ts";
import type { Segment, Segments } from "./glob.ts";

/**
 * A path that both globs match, for people who wonder why two claims are in each other's way; `null`
 * when there is none. It need not exist in any repository.
 *
 *     src/**   **\/*.test.ts     src/x.test.ts
 *     a?c      *b*               abc
 *     src/**   src/**            src/x
 */
export function exampleOfBoth(left: string, right: string): string | null {
  for (const a of compileGlob(left).alternatives)
    for (const b of compileGlob(right).alternatives)
      // It costs far less to know that there is one than to find it.
      if (alternativesMeet(a, b)) return pathOfBoth(wholeOf(a), wholeOf(b));
  return null;
}

/** Any letter, and any name. */
const anything = "x";

function pathOfBoth(left: Segments, right: Segments): string | null {
  const names = gappedWitness(left, right, pathRules, { pick: nameOfBoth, both: [] });
  if (names === null) return null;
  // What is below says more than the folder itself.
  const isOpen = left.at(-1)?.kind === "deep" && right.at(-1)?.kind === "deep";
  return [...names, ...(isOpen ? [anything] : [])].join("/");
}

function nameOfBoth(left: Segment | null, right: Segment | null): string {
  const letters = gappedWitness(lettersOf(left), lettersOf(right), nameRules, {
    pick: letterOfBoth,
    both: [anything],
  });
  if (letters === null) throw new Error("segments that meet have no name in common");
  return letters.join("");
}

function letterOfBoth(left: number | null, right: number | null): string {
  for (const code of [left, right])
    if (code !== null && code !== anyLetter) return String.fromCharCode(code);
  return anything;
}

function lettersOf(segment: Segment | null): readonly number[] {
  if (segment === null || segment.kind === "deep") return [anyRun];
  return segment.kind === "literal" ? codesOf(segment.text) : segment.letters;
}
