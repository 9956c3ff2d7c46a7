import { attributeLine, byteOrderMark, hasTooManyWildcards } from "../../system/attributeLine.ts";
import type { AttributeLine } from "../../system/attributeLine.ts";

/**
 * A tracked `.gitattributes`, as the writer's git may read it. Anybody who lands can write one, so it says
 * how files merge, by what git has built in, and nothing that would run or undo more than that:
 *
 *     merge=ours, merge=lfs, …     merge        a driver is a program of the person's: text instead, as
 *                                               git does itself with a name it does not know
 *     merge=text, merge=binary     merge, -merge     so that nobody's driver of that name is meant
 *     conflict-marker-size=3       left out     marks that are left in a file are found by their seven
 *     a*b*c*d*e*f*g* merge=…       * -merge     matching it could take for ever: rather a conflict too many
 *     *.c text eol=lf              left out     nothing about merging
 *
 * Whatever git takes for the pattern stays as it is.
 */
export type Attributes = {
  /** One character a byte, as the file it came from. Empty: it says nothing about merging. */
  readonly text: string;
  /** Lines in `text`. */
  readonly lines: number;
  /** Those among them that stand for a pattern with too many wildcards. */
  readonly widened: number;
};

/** What stands in for what cannot be taken: no two changes of a file are merged by what nobody knows. */
export const allConflict = "* -merge";

/** `source`: one character a byte; `macros`: names that the file at the root makes macros of. */
export function builtInOnly(source: string, macros: ReadonlySet<string>): Attributes {
  const start = source.startsWith(byteOrderMark) ? byteOrderMark.length : 0;
  const all = source.slice(start).split("\n").map(attributeLine);
  const about = all.filter((line) => maySayHow(line, macros));
  const widened = about.filter(hasTooManyWildcards).length;
  const kept = about.map((line) =>
    hasTooManyWildcards(line) ? allConflict : line.pattern + builtInStates(line.states),
  );
  // No line that was another is to become the first, where git skips a mark before the pattern.
  const text = kept.map((line) => `\n${line}`).join("");
  return { text, lines: kept.length, widened };
}

const mentioned = /^[-!]?merge(?:=|$)/;
/** Without a value they are git's own, and no macros. */
const elsewhere: ReadonlySet<string> = new Set(
  "crlf delta diff export-ignore export-subst ident lockable text whitespace".split(" "),
);

/** `-name`, `!name` and `name=value` make no use of a macro. */
function maySayHow({ pattern, states }: AttributeLine, macros: ReadonlySet<string>): boolean {
  const start = pattern.trimStart();
  if (start === "" || start.startsWith("#") || start.startsWith("!")) return false;
  // One may take the place of what git has: `binary`.
  if (start.startsWith("[attr]")) return true;
  return states.split(/[ \t\r]+/).some((word) => {
    if (mentioned.test(word)) return true;
    if (word === "" || /^[-!]|=/.test(word)) return false;
    return macros.has(word) || !elsewhere.has(word);
  });
}

const stated = /(^|[ \t\r])(merge|conflict-marker-size)=([^ \t\r]*)/g;

function builtInStates(states: string): string {
  return states.replaceAll(stated, (_, before: string, name: string, value: string) =>
    name === "merge" ? before + builtIn(value) : before,
  );
}

function builtIn(driver: string): string {
  if (driver === "union") return "merge=union";
  return driver === "binary" ? "-merge" : "merge";
}
