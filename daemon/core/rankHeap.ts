import { precedes } from "./rank.ts";
import type { Rank } from "./rank.ts";

/**
 * A binary heap of items that know their place in it, earliest first by `(rank, order)`: any item can
 * be taken out again in logarithmic time, and those before a given one are found without sorting.
 */
export type Ranked = {
  rank: number;
  order: number;
  /** Where it is in its heap. */
  position: number;
};

export function rankAdd<Item extends Ranked>(heap: Item[], item: Item): void {
  heap.push(item);
  rise(heap, item, heap.length - 1);
}

export function rankRemove<Item extends Ranked>(heap: Item[], item: Item): void {
  const last = heap.pop();
  if (last === undefined || last === item) return;
  const at = item.position;
  rise(heap, last, at);
  if (last.position === at) sink(heap, last, at);
}

/** Visits every item that comes before `limit`, in no particular order. */
export function visitBefore<Item extends Ranked>(
  heap: readonly Item[],
  limit: Rank,
  visit: (item: Item) => void,
  at = 0,
): void {
  const item = heap[at];
  if (item === undefined || !precedes(item, limit)) return;
  visit(item);
  visitBefore(heap, limit, visit, 2 * at + 1);
  visitBefore(heap, limit, visit, 2 * at + 2);
}

function rise<Item extends Ranked>(heap: Item[], item: Item, from: number): void {
  let at = from;
  while (at > 0) {
    const parent = heap[(at - 1) >> 1];
    if (parent === undefined || !precedes(item, parent)) break;
    put(heap, parent, at);
    at = (at - 1) >> 1;
  }
  put(heap, item, at);
}

function sink<Item extends Ranked>(heap: Item[], item: Item, from: number): void {
  let at = from;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const child = left !== undefined && right !== undefined && precedes(right, left) ? right : left;
    if (child === undefined || !precedes(child, item)) break;
    const next = child.position;
    put(heap, child, at);
    at = next;
  }
  put(heap, item, at);
}

function put<Item extends Ranked>(heap: Item[], item: Item, at: number): void {
  heap[at] = item;
  item.position = at;
}
