import type { Segment } from "./glob.ts";

/** Sets of letters read so far that are told apart; beyond it the question is not answered. */
const statesMax = 5_000;

/**
 * Which of `others` can a name match that `name` matches? One list of answers for every combination
 * that some name shows. Reads a name letter by letter, all patterns at once, each with the set of
 * places it could be at; letters that none of them mentions are all alike and stand for one.
 * `null`: more combinations than are tried.
 */
export function nameOutcomes(name: Segment, others: readonly Segment[]): boolean[][] | null {
  const texts = [name, ...others].map(tokensOf);
  const letters = [...new Set(texts.flat().filter((token) => token.length === 1)), other];
  const queue: Sets[] = [texts.map((text) => closed(text, [0]))];
  // Not the start itself: a name has at least one letter, and the first may lead back to it.
  const seen = new Set<string>();
  const outcomes = new Map<string, boolean[]>();
  for (const sets of queue) {
    for (const letter of letters) {
      const next = sets.map((set, index) => after(texts[index] ?? [], set, letter));
      const key = keyOf(next);
      if (next[0]?.length === 0 || seen.has(key)) continue;
      if (seen.size >= statesMax) return null;
      seen.add(key);
      queue.push(next);
      const [matched, ...rest] = next.map((set, index) => set.includes(texts[index]?.length ?? 0));
      if (matched === true) outcomes.set(rest.join(), rest);
    }
  }
  return [...outcomes.values()];
}

/** For each pattern the places it could be at. */
type Sets = readonly (readonly number[])[];

/** Tokens of more than one letter, so that they are none. */
const anyRun = "any run";
const anyOne = "any one";
const other = "other";

function tokensOf(segment: Segment): string[] {
  if (segment.kind === "deep") return [anyRun];
  if (segment.kind === "literal") return segment.text.split("");
  return segment.text.split("").map((letter) => {
    if (letter === "*") return anyRun;
    return letter === "?" ? anyOne : letter;
  });
}

function after(text: readonly string[], places: readonly number[], letter: string): number[] {
  const next = places.flatMap((at) => {
    const token = text[at];
    if (token === anyRun) return [at];
    return token === letter || token === anyOne ? [at + 1] : [];
  });
  return closed(text, next);
}

/** With the places behind every `*` that may match nothing. */
function closed(text: readonly string[], places: readonly number[]): number[] {
  const all = new Set<number>();
  for (const place of places)
    for (let at = place; ; at += 1) {
      all.add(at);
      if (text[at] !== anyRun) break;
    }
  return [...all].toSorted((a, b) => a - b);
}

function keyOf(sets: Sets): string {
  return sets.map((set) => set.join()).join("|");
}
