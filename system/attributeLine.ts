/**
 * A line of a `.gitattributes`, as git takes it apart: the pattern up to the first blank, or in quotes when
 * all of it can be read so, and then the words.
 */
const blank = "[ \\t\\r]";
const quoted = String.raw`"(?:[^"\\]|\\(?:[abfnrtv\\"]|[0-3][0-7]{2}))*"`;
const patternOf = new RegExp(`^${blank}*(?:${quoted}|[^ \\t\\r]*)`);

export type AttributeLine = {
  /** With the blanks before it, and its quotes. */
  readonly pattern: string;
  /** All that is behind it. */
  readonly states: string;
};

export function attributeLine(line: string): AttributeLine {
  const [pattern = ""] = patternOf.exec(line) ?? [];
  return { pattern, states: line.slice(pattern.length) };
}

/** Some editors begin a file with it; git skips it. One character a byte. */
export const byteOrderMark = "\u00ef\u00bb\u00bf";

/**
 * Runs of `*` in a pattern: git's matching goes back to each of them when the rest does not fit. With
 * twelve, one path of 400 characters took a second; with seven, nothing to speak of.
 */
export const wildcardsMax = 6;

export function hasTooManyWildcards({ pattern }: AttributeLine): boolean {
  return pattern.replaceAll("\\052", "*").split(/\*+/).length - 1 > wildcardsMax;
}
