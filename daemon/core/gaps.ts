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
 * Exact. What stands before the first gaps and behind the last ones must meet item by item, which
 * decides most pairs. Then a gap at the front of one and at the end of the other swallow each the
 * other's remainder; only what lies between two gaps of the same sequence needs the whole product.
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
  const aSwallows = rules.isGap(a[i] as Item) && rules.isGap(b[jEnd - 1] as Item);
  const bSwallows = rules.isGap(b[j] as Item) && rules.isGap(a[iEnd - 1] as Item);
  if (aSwallows || bSwallows) return true;
  return productMeets(a.slice(i, iEnd), b.slice(j, jEnd), rules);
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

function productMeets<Item>(
  a: readonly Item[],
  b: readonly Item[],
  rules: GapRules<Item>,
): boolean {
  return productOf(a, b, rules)[0]?.[0] === true;
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
