/**
 * A tracked `.gitattributes`, as the writer's git may read it. Anybody who lands can write one, so it says
 * how files merge, by what git has built in, and nothing that would run or undo more than that:
 *
 *     merge=ours, merge=lfs, …     merge        a driver is a program of the person's: text instead, as
 *                                               git does itself with a name it does not know
 *     merge=text, merge=binary     merge, -merge     so that nobody's driver of that name is meant
 *     conflict-marker-size=3       left out     marks that are left in a file are found by their seven
 *
 * Whatever git takes for the pattern stays as it is: git reads it in quotes only when all of it can be
 * read so, and up to the first blank otherwise.
 */
export type Attributes = {
  /** One character a byte, as the file it came from. */
  readonly text: string;
  /** Lines that were left out because matching them could take for ever. */
  readonly dropped: number;
};

const blank = "[ \\t\\r]";
const quoted = String.raw`"(?:[^"\\]|\\(?:[abfnrtv\\"]|[0-3][0-7]{2}))*"`;
const patternOf = new RegExp(`^${blank}*(?:${quoted}|[^ \\t\\r]*)`);
const mark = "\u00ef\u00bb\u00bf";
const stated = /(^|[ \t\r])(merge|conflict-marker-size)=([^ \t\r]*)/g;

/**
 * Runs of `*` in a pattern: git's matching goes back to each of them when the rest does not fit. With
 * twelve, one path of 400 characters took a second; with seven, nothing to speak of.
 */
const wildcardsMax = 6;

/** `source`: one character a byte. */
export function builtInOnly(source: string): Attributes {
  const hasMark = source.startsWith(mark);
  const lines = (hasMark ? source.slice(mark.length) : source).split("\n");
  const kept = lines.filter((line) => wildcards(line) <= wildcardsMax);
  const text = kept.map(builtInLine).join("\n");
  return { text: hasMark ? mark + text : text, dropped: lines.length - kept.length };
}

function wildcards(line: string): number {
  const [pattern = ""] = patternOf.exec(line) ?? [];
  return pattern.replaceAll("\\052", "*").split(/\*+/).length - 1;
}

function builtInLine(line: string): string {
  const [pattern = ""] = patternOf.exec(line) ?? [];
  const states = line.slice(pattern.length);
  return (
    pattern +
    states.replaceAll(stated, (_, before: string, name: string, value: string) =>
      name === "merge" ? before + builtIn(value) : before,
    )
  );
}

function builtIn(driver: string): string {
  if (driver === "union") return "merge=union";
  return driver === "binary" ? "-merge" : "merge";
}
