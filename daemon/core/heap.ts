/**
 * A binary heap of keys, smallest first by `(rank, order)`. Entries are removed lazily: whoever pops
 * asks whether the entry still means something.
 */
export type Entry<Key> = { readonly rank: number; readonly order: number; readonly key: Key };

export type Heap<Key> = { readonly entries: Entry<Key>[] };

export function makeHeap<Key>(): Heap<Key> {
  return { entries: [] };
}

export function heapPeek<Key>(heap: Heap<Key>): Entry<Key> | undefined {
  return heap.entries[0];
}

export function heapPush<Key>(heap: Heap<Key>, entry: Entry<Key>): void {
  const { entries } = heap;
  let at = entries.length;
  entries.push(entry);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!comesBefore(entry, entries[parent])) break;
    entries[at] = entries[parent] as Entry<Key>;
    at = parent;
  }
  entries[at] = entry;
}

export function heapPop<Key>(heap: Heap<Key>): Entry<Key> | undefined {
  const { entries } = heap;
  const first = entries[0];
  const last = entries.pop();
  if (first === undefined || last === undefined || entries.length === 0) return first;
  let at = 0;
  for (;;) {
    const child = smallerChild(entries, at);
    if (child === null || !comesBefore(entries[child], last)) break;
    entries[at] = entries[child] as Entry<Key>;
    at = child;
  }
  entries[at] = last;
  return first;
}

export function comesBefore<Key>(a: Entry<Key> | undefined, b: Entry<Key> | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return a.rank < b.rank || (a.rank === b.rank && a.order < b.order);
}

function smallerChild<Key>(entries: readonly Entry<Key>[], at: number): number | null {
  const left = 2 * at + 1;
  if (left >= entries.length) return null;
  const right = left + 1;
  return right < entries.length && comesBefore(entries[right], entries[left]) ? right : left;
}
