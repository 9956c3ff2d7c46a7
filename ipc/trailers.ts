/**
 * Trailers of a commit message, by git's rules (git-interpret-trailers, `trailer.c`):
 *
 *     Add the parser                      the first paragraph is never a trailer block
 *
 *     It reads all of it.
 *
 *     Reviewed-by: Ada <ada@example.com>  the last paragraph is one if each line is a trailer, or if
 *     Fixes: a long                       one of them is git's own (Signed-off-by, cherry-pick) and
 *       value, folded                     at least every fourth is a trailer
 *
 * Lines that begin with `#` count neither way there, and stay in the text: nobody's message loses a line.
 */
export type Trailer = { readonly key: string; readonly value: string };

/** Values of trailers by key, as a task or orchd.yaml gives them. */
export type Trailers = Readonly<Record<string, string | readonly string[]>>;

const trailerLine = /^([A-Za-z0-9-]+)[ \t]*:(.*)$/;
const folded = /^\s+\S/;
const gitsOwn = /^(?:Signed-off-by: |\(cherry picked from commit )/;

/** `text`: with `\n` as line end and without blank lines at its end. */
export function splitTrailers(text: string): {
  readonly body: string;
  readonly trailers: readonly Trailer[];
} {
  const lines = text.split("\n");
  const start = blockStart(lines);
  const trailers: Trailer[] = [];
  const others: string[] = [];
  let behindTrailer = false;
  for (const line of lines.slice(start)) {
    const [, key, value = ""] = trailerLine.exec(line) ?? [];
    const last = trailers.at(-1);
    const continues: boolean = behindTrailer && folded.test(line);
    behindTrailer = key !== undefined || continues;
    if (key !== undefined) trailers.push({ key, value: value.trim() });
    else if (continues && last !== undefined)
      trailers[trailers.length - 1] = { ...last, value: `${last.value} ${line.trim()}`.trim() };
    else others.push(line);
  }
  const body = [lines.slice(0, start).join("\n").trimEnd(), others.join("\n")];
  return { body: body.filter(Boolean).join("\n\n"), trailers };
}

/** Each key, in any case, with the same value once; without a value not at all. The first stays. */
export function distinctTrailers(trailers: readonly Trailer[]): Trailer[] {
  const seen = new Set<string>();
  return trailers.filter(({ key, value }) => {
    const name = `${key.toLowerCase()}: ${value}`;
    if (value === "" || seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

export function trailerList(trailers: Trailers): Trailer[] {
  return Object.entries(trailers).flatMap(([key, given]) => {
    const values = typeof given === "string" ? [given] : given;
    return values.map((value) => ({ key, value: oneLine(value) }));
  });
}

/** Those of both, the first ones in front. */
export function joinTrailers(first: Trailers, then: Trailers): Trailers {
  const all = [...trailerList(first), ...trailerList(then)];
  const values = Map.groupBy(all, ({ key }) => key);
  return Object.fromEntries(
    [...values].map(([key, given]) => [key, given.map(({ value }) => value)]),
  );
}

/** A value with a line break would smuggle in a trailer of its own. */
export function oneLine(value: string): string {
  return value.replace(/[\0\s]+/g, " ").trim();
}

/** The index of the first line of the trailer block; the number of lines if there is none. */
function blockStart(lines: readonly string[]): number {
  const title = lines.findIndex((line) => !line.startsWith("#") && line.trim() === "");
  const start = lines.findLastIndex((line) => line.trim() === "") + 1;
  if (title === -1 || start <= title) return lines.length;
  const count = countsOf(lines.slice(start));
  const isBlock = count.own
    ? count.trailers * 3 >= count.others
    : count.trailers > 0 && count.others === 0;
  return isBlock ? start : lines.length;
}

type Counts = { readonly trailers: number; readonly others: number; readonly own: boolean };

/** A folded line belongs to the trailer above it, if there is one right above. */
function countsOf(block: readonly string[]): Counts {
  let [trailers, others, own, behindTrailer] = [0, 0, false, false];
  for (const line of block) {
    const isOwn = gitsOwn.test(line);
    if (line.startsWith("#")) behindTrailer = false;
    else if (isOwn || trailerLine.test(line)) {
      trailers += 1;
      own ||= isOwn;
      behindTrailer = true;
    } else if (!(folded.test(line) && behindTrailer)) {
      others += 1;
      behindTrailer = false;
    }
  }
  return { trailers, others, own };
}
