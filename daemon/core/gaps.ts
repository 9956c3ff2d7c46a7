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

/** Fills the product row by row from the end: `row[j]` says whether `a` from `i` meets `b` from `j`. */
function productMeets<Item>(
  a: readonly Item[],
  b: readonly Item[],
  { isGap, meet }: GapRules<Item>,
): boolean {
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
    below = row;
  }
  return below[0] === true;
}
