/**
 * Items by name, where items come and go all the time, as claims do. Up to `listedMax` of them are compared one by
 * one; more are found in buckets, by a hash of the name.
 *
 *     items     a.ts  b.ts  c.ts  …        in no particular order; each knows its index, `at`
 *     buckets   │ c.ts → a.ts │ │ b.ts │   each knows the `next` in its bucket
 *
 * Not a `Map`: one that adds and deletes for long moves to a new table every few steps, and V8 lets
 * the table it leaves point to the new one. A table that has become old before it is left keeps all
 * that come after it, with what they hold, from the collections of young garbage: of each claim taken
 * and given up 160 bytes stayed (now 40) that only a collection of the whole heap frees.
 */
export type NamedList<Item> = {
  readonly items: Item[];
  buckets: (Item | null)[] | null;
};

/** What an item has for the one list that it may be in. */
export type Named<Item> = {
  readonly name: string;
  at: number;
  next: Item | null;
};

const listedMax = 8;

export function listOf<Item extends Named<Item>>(item: Item): NamedList<Item> {
  item.at = 0;
  return { items: [item], buckets: null };
}

export function itemNamed<Item extends Named<Item>>(
  { items, buckets }: NamedList<Item>,
  name: string,
): Item | null {
  if (buckets === null) {
    for (let at = 0; at < items.length; at += 1) {
      const item = items[at] as Item;
      if (item.name === name) return item;
    }
    return null;
  }
  let item = buckets[bucketOf(buckets, name)] ?? null;
  while (item !== null && item.name !== name) item = item.next;
  return item;
}

/** The list must not have one of that name. */
export function addNamed<Item extends Named<Item>>(list: NamedList<Item>, item: Item): void {
  const { items, buckets } = list;
  item.at = items.length;
  items.push(item);
  if (items.length <= listedMax) return;
  if (buckets === null || items.length > buckets.length) sortAnew(list);
  else putInto(buckets, item);
}

/** The item must be in the list. */
export function removeNamed<Item extends Named<Item>>(list: NamedList<Item>, item: Item): void {
  const { items, buckets } = list;
  const last = items.pop();
  if (last !== undefined && last !== item) {
    items[item.at] = last;
    last.at = item.at;
  }
  if (buckets === null) return;
  if (items.length <= listedMax / 2) {
    for (const one of items) one.next = null;
    list.buckets = null;
  } else takeFrom(buckets, item);
  item.next = null;
}

/** Half of the buckets are free then, and as many items may come before it is done again. */
function sortAnew<Item extends Named<Item>>(list: NamedList<Item>): void {
  const length = 2 ** Math.ceil(Math.log2(list.items.length * 2));
  const buckets = Array.from<Item | null>({ length }).fill(null);
  for (const item of list.items) putInto(buckets, item);
  list.buckets = buckets;
}

function putInto<Item extends Named<Item>>(buckets: (Item | null)[], item: Item): void {
  const bucket = bucketOf(buckets, item.name);
  item.next = buckets[bucket] ?? null;
  buckets[bucket] = item;
}

function takeFrom<Item extends Named<Item>>(buckets: (Item | null)[], item: Item): void {
  const bucket = bucketOf(buckets, item.name);
  let before = buckets[bucket] ?? null;
  if (before === item) buckets[bucket] = item.next;
  while (before !== null && before.next !== item) before = before.next;
  if (before !== null) before.next = item.next;
}

/** The number of buckets is a power of two. */
function bucketOf(buckets: readonly unknown[], name: string): number {
  return hashOf(name) & (buckets.length - 1);
}

/** FNV-1a, whose high bits are folded into the low ones; goes on from the hash of what comes before. */
export function hashOf(name: string, before = 0x811c9dc5): number {
  let mixed = before;
  for (let at = 0; at < name.length; at += 1)
    mixed = Math.imul(mixed ^ name.charCodeAt(at), 0x01000193);
  return mixed ^ (mixed >>> 15);
}
