/**
 * Sequences with gaps: a name glob is characters with `*` between them, a path glob is segments with
 * `**` between them. Both ask the same question: is there a sequence that two of them match?
 */
export type GapRules<Item> = {
  /** Stands for any number of items, also none. */
  readonly isGap: (item: Item) => boolean;
  /** Of two that are no gaps: is there an item that both match? */
  readonly meet: (left: Item, right: Item) => boolean;
};

/**
 * Exact, and without looking at every pair of places. What stands before the first gap and behind the
 * last one must meet item by item, which decides most pairs. What is left then has a gap at its front
 * in one sequence, and at its end in one:
 *
 *     a  *…b      both have a gap: one takes all that the other one has in front, and it takes what is
 *     b  c…*      left, or lies in the middle of it. They meet, whatever stands between the gaps.
 *     a  *x*y*    only one has gaps, around each of its runs: each run in turn is put where it
 *     b  cxdye    fits first, which leaves the most for the next.
 *
 * `aFrom` and `bFrom`: how many items in front are left out.
 */
export function gappedMeet<Item>(
  a: readonly Item[],
  b: readonly Item[],
  rules: GapRules<Item>,
  aFrom = 0,
  bFrom = 0,
): boolean {
  let [i, j, iEnd, jEnd] = [aFrom, bFrom, a.length, b.length];
  for (; i < iEnd && j < jEnd; i += 1, j += 1) {
    const left = a[i] as Item;
    const right = b[j] as Item;
    if (rules.isGap(left) || rules.isGap(right)) break;
    if (!rules.meet(left, right)) return false;
  }
  for (; i < iEnd && j < jEnd; iEnd -= 1, jEnd -= 1) {
    const left = a[iEnd - 1] as Item;
    const right = b[jEnd - 1] as Item;
    if (rules.isGap(left) || rules.isGap(right)) break;
    if (!rules.meet(left, right)) return false;
  }
  if (i === iEnd) return onlyGaps(b, j, jEnd, rules);
  if (j === jEnd) return onlyGaps(a, i, iEnd, rules);
  if (!hasGap(a, i, iEnd, rules)) return runsFit(b, j, jEnd, a, i, iEnd, rules);
  if (!hasGap(b, j, jEnd, rules)) return runsFit(a, i, iEnd, b, j, jEnd, rules);
  return true;
}

function hasGap<Item>(
  items: readonly Item[],
  from: number,
  end: number,
  { isGap }: GapRules<Item>,
): boolean {
  for (let at = from; at < end; at += 1) if (isGap(items[at] as Item)) return true;
  return false;
}

/** `gapped` begins and ends with a gap, `solid` has none. */
function runsFit<Item>(
  gapped: readonly Item[],
  from: number,
  end: number,
  solid: readonly Item[],
  solidFrom: number,
  solidEnd: number,
  { isGap, meet }: GapRules<Item>,
): boolean {
  let start = solidFrom;
  for (let at = from; at < end;) {
    let next = at;
    while (next < end && !isGap(gapped[next] as Item)) next += 1;
    const length = next - at;
    let fitting = 0;
    while (fitting < length) {
      if (start + length > solidEnd) return false;
      if (meet(gapped[at + fitting] as Item, solid[start + fitting] as Item)) fitting += 1;
      else {
        start += 1;
        fitting = 0;
      }
    }
    start += length;
    at = next + 1;
  }
  return true;
}

function onlyGaps<Item>(
  items: readonly Item[],
  from: number,
  end: number,
  { isGap }: GapRules<Item>,
): boolean {
  for (let at = from; at < end; at += 1) if (!isGap(items[at] as Item)) return false;
  return true;
}

/**
 * A sequence that both match, or `null`: item by item from the front, always on to where the rest still
 * meets.
 *
 * @param pick an item that both match; `null` stands for a gap, which takes what the other one has
 * @param both what to take where both have a gap
 */
export function gappedWitness<Item, Picked>(
  a: readonly Item[],
  b: readonly Item[],
  rules: GapRules<Item>,
  {
    pick,
    both,
  }: {
    readonly pick: (left: Item | null, right: Item | null) => Picked;
    readonly both: readonly Picked[];
  },
): readonly Picked[] | null {
  const rows = productOf(a, b, rules);
  if (rows[0]?.[0] !== true) return null;
  const found: Picked[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    const leftGap = left !== undefined && rules.isGap(left);
    const rightGap = right !== undefined && rules.isGap(right);
    if (leftGap && rightGap) found.push(...both);
    if (leftGap && rows[i + 1]?.[j] === true) i += 1;
    else if (rightGap && rows[i]?.[j + 1] === true) j += 1;
    else {
      found.push(pick(leftGap ? null : (left ?? null), rightGap ? null : (right ?? null)));
      if (!leftGap) i += 1;
      if (!rightGap) j += 1;
    }
  }
  return found;
}

/** Filled row by row from the end: `rows[i][j]` says whether `a` from `i` meets `b` from `j`. */
function productOf<Item>(
  a: readonly Item[],
  b: readonly Item[],
  { isGap, meet }: GapRules<Item>,
): readonly (readonly boolean[])[] {
  const rows: boolean[][] = [];
  let below: boolean[] = [];
  for (let i = a.length; i >= 0; i -= 1) {
    const row: boolean[] = [];
    for (let j = b.length; j >= 0; j -= 1) {
      const left = a[i];
      const right = b[j];
      const gap = (left !== undefined && isGap(left)) || (right !== undefined && isGap(right));
      // A gap ends here, or it swallows what the other has at this place.
      if (gap) row[j] = below[j] === true || row[j + 1] === true;
      else if (left === undefined || right === undefined) row[j] = left === right;
      else row[j] = below[j + 1] === true && meet(left, right);
    }
    rows[i] = row;
    below = row;
  }
  return rows;
}
