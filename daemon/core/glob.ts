/**
 * The algebra of claim globs: may two of them meet, does a path match. Exact for the grammar of
 * `ipc/glob.ts` (`*`, `?`, `**` as a whole segment, `{a,b}`), by walking the product of both
 * patterns; never guessed from prefixes.
 *
 * A glob is compiled to its alternatives (braces expanded), each a list of segments. A segment is
 * literal text, a wildcard (characters, `?` = any one, `*` = any run) or `**` (any number of segments).
 */
export type Pattern = { readonly glob: string; readonly alternatives: readonly Segments[] };
type Segments = readonly Segment[];
type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "wild"; readonly text: string }
  | { readonly kind: "deep" };

export function compileGlob(glob: string): Pattern {
  return {
    glob,
    alternatives: expandBraces(glob).map((alternative) => alternative.split("/").map(segment)),
  };
}

/** Is there a path that both match? */
export function globsMeet(left: Pattern, right: Pattern): boolean {
  for (const a of left.alternatives)
    for (const b of right.alternatives) if (alternativesMeet(a, b)) return true;
  return false;
}

export function globMatches(pattern: Pattern, path: string): boolean {
  const segments: Segments = path.split("/").map((text) => ({ kind: "literal", text }));
  return pattern.alternatives.some((a) => alternativesMeet(a, segments));
}

/** What both begin with literally is compared first: most pairs differ there already. */
function alternativesMeet(a: Segments, b: Segments): boolean {
  for (let at = 0; ; at += 1) {
    const left = a[at];
    const right = b[at];
    if (left?.kind !== "literal" || right?.kind !== "literal")
      return segmentsMeet(a, at, b, at, new Map());
    if (left.text !== right.text) return false;
  }
}

function segment(text: string): Segment {
  if (text === "**") return { kind: "deep" };
  return /[*?]/.test(text) ? { kind: "wild", text } : { kind: "literal", text };
}

function segmentsMeet(
  a: Segments,
  i: number,
  b: Segments,
  j: number,
  known: Map<number, boolean>,
): boolean {
  const key = i * (b.length + 1) + j;
  const before = known.get(key);
  if (before !== undefined) return before;
  const met = segmentsMeetAnew(a, i, b, j, known);
  known.set(key, met);
  return met;
}

function segmentsMeetAnew(
  a: Segments,
  i: number,
  b: Segments,
  j: number,
  known: Map<number, boolean>,
): boolean {
  const left = a[i];
  const right = b[j];
  if (left === undefined && right === undefined) return true;
  if (left?.kind === "deep")
    return (
      segmentsMeet(a, i + 1, b, j, known) ||
      (right !== undefined && segmentsMeet(a, i, b, j + 1, known))
    );
  if (right?.kind === "deep")
    return (
      segmentsMeet(a, i, b, j + 1, known) ||
      (left !== undefined && segmentsMeet(a, i + 1, b, j, known))
    );
  if (left === undefined || right === undefined) return false;
  return textsMeet(left, right) && segmentsMeet(a, i + 1, b, j + 1, known);
}

function textsMeet(
  left: Exclude<Segment, { kind: "deep" }>,
  right: Exclude<Segment, { kind: "deep" }>,
): boolean {
  if (left.kind === "literal" && right.kind === "literal") return left.text === right.text;
  return wildcardsMeet(left.text, left.kind === "wild", right.text, right.kind === "wild");
}

/** Is there a non-empty name that both match? Fills the product row by row from the end. */
function wildcardsMeet(a: string, aWild: boolean, b: string, bWild: boolean): boolean {
  const isStar = (text: string, wild: boolean, at: number) => wild && text[at] === "*";
  const isAny = (text: string, wild: boolean, at: number) => wild && text[at] === "?";
  let below: boolean[] = [];
  for (let i = a.length; i >= 0; i -= 1) {
    const row = Array.from({ length: b.length + 1 }, () => false);
    for (let j = b.length; j >= 0; j -= 1) {
      if (i === a.length && j === b.length) row[j] = true;
      else if (i < a.length && isStar(a, aWild, i))
        row[j] = below[j] === true || (j < b.length && row[j + 1] === true);
      else if (j < b.length && isStar(b, bWild, j))
        row[j] = row[j + 1] === true || (i < a.length && below[j] === true);
      else if (i < a.length && j < b.length)
        row[j] =
          (isAny(a, aWild, i) || isAny(b, bWild, j) || a[i] === b[j]) && below[j + 1] === true;
    }
    below = row;
  }
  return below[0] === true;
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
