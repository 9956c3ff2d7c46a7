import { attributeLine, byteOrderMark, hasTooManyWildcards } from "../../system/attributeLine.ts";

/**
 * A tracked `.gitattributes`, as the writer's git may read it. Anybody who lands can write one, so it says
 * how files merge, by what git has built in, and nothing that would run or undo more than that:
 *
 *     merge=ours, merge=lfs, …     merge        a driver is a program of the person's: text instead, as
 *                                               git does itself with a name it does not know
 *     merge=text, merge=binary     merge, -merge     so that nobody's driver of that name is meant
 *     conflict-marker-size=3       left out     marks that are left in a file are found by their seven
 *
 * Whatever git takes for the pattern stays as it is.
 */
export type Attributes = {
  /** One character a byte, as the file it came from. */
  readonly text: string;
  /** Lines that were left out because matching them could take for ever. */
  readonly dropped: number;
};

const stated = /(^|[ \t\r])(merge|conflict-marker-size)=([^ \t\r]*)/g;

/** `source`: one character a byte. */
export function builtInOnly(source: string): Attributes {
  const hasMark = source.startsWith(byteOrderMark);
  const lines = (hasMark ? source.slice(byteOrderMark.length) : source).split("\n");
  const taken = lines.map(attributeLine);
  const kept = taken.filter((line) => !hasTooManyWildcards(line));
  const text = kept.map(({ pattern, states }) => pattern + builtInStates(states)).join("\n");
  return { text: hasMark ? byteOrderMark + text : text, dropped: lines.length - kept.length };
}

function builtInStates(states: string): string {
  return states.replaceAll(stated, (_, before: string, name: string, value: string) =>
    name === "merge" ? before + builtIn(value) : before,
  );
}

function builtIn(driver: string): string {
  if (driver === "union") return "merge=union";
  return driver === "binary" ? "-merge" : "merge";
}
