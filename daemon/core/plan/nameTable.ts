import { nameMatches, segmentsMeet } from "../glob.ts";
import type { Segment } from "../glob.ts";

/**
 * Segments of globs, and for another segment those of them that some name matches together with it. They
 * are found by how they begin: what stands before the first wildcard of one begins with that of the
 * other, or the other way round. Only those that begin alike are compared.
 */
export type NameTable<Value> = {
  readonly literals: Map<string, Value>;
  readonly wild: Map<string, Edge<Value>>;
  /** Made by the first question behind the last change: the same by their beginnings. */
  order: Order<Value> | null;
};

type Edge<Value> = { readonly segment: Segment; readonly value: Value };

type Order<Value> = {
  readonly literals: readonly string[];
  readonly heads: readonly string[];
  readonly byHead: ReadonlyMap<string, readonly Edge<Value>[]>;
  /** How long heads are, shortest first. */
  readonly lengths: readonly number[];
};

export function makeNameTable<Value>(): NameTable<Value> {
  return { literals: new Map(), wild: new Map(), order: null };
}

export function inTable<Value>(
  table: NameTable<Value>,
  segment: Segment,
  make: () => Value,
): Value {
  const isLiteral = segment.kind === "literal";
  const text = segment.kind === "deep" ? "**" : segment.text;
  const known = isLiteral ? table.literals.get(text) : table.wild.get(text)?.value;
  if (known !== undefined) return known;
  const value = make();
  if (isLiteral) table.literals.set(text, value);
  else table.wild.set(text, { segment, value });
  table.order = null;
  return value;
}

export function eachMeeting<Value>(
  table: NameTable<Value>,
  segment: Segment,
  visit: (value: Value) => void,
): void {
  if (segment.kind === "literal") {
    const same = table.literals.get(segment.text);
    if (same !== undefined) visit(same);
    if (table.wild.size === 0) return;
    beginning(orderOf(table), segment.text, (edge) => {
      if (nameMatches(edge.segment, segment.text)) visit(edge.value);
    });
    return;
  }
  const head = headOf(segment);
  const order = orderOf(table);
  eachFrom(order.literals, head, (text) => {
    const value = nameMatches(segment, text) ? table.literals.get(text) : undefined;
    if (value !== undefined) visit(value);
  });
  const look = (edge: Edge<Value>): void => {
    if (segmentsMeet([segment], [edge.segment])) visit(edge.value);
  };
  // Shorter ones, then those that are as long or longer.
  if (head !== "") beginning(order, head.slice(0, -1), look);
  eachFrom(order.heads, head, (longer) => order.byHead.get(longer)?.forEach(look));
}

/** Visits the wildcards whose beginning the text begins with. */
function beginning<Value>(
  { byHead, lengths }: Order<Value>,
  text: string,
  visit: (edge: Edge<Value>) => void,
): void {
  for (const length of lengths) {
    if (length > text.length) return;
    byHead.get(text.slice(0, length))?.forEach(visit);
  }
}

function orderOf<Value>(table: NameTable<Value>): Order<Value> {
  table.order ??= makeOrder(table);
  return table.order;
}

function makeOrder<Value>({ literals, wild }: NameTable<Value>): Order<Value> {
  const byHead = Map.groupBy(wild.values(), ({ segment }) => headOf(segment));
  const heads = [...byHead.keys()].toSorted(inCodeUnits);
  return {
    literals: [...literals.keys()].toSorted(inCodeUnits),
    heads,
    byHead,
    lengths: [...new Set(heads.map((head) => head.length))].toSorted((a, b) => a - b),
  };
}

/** Visits the sorted texts that begin so. */
function eachFrom(sorted: readonly string[], head: string, visit: (text: string) => void): void {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? "") < head) low = middle + 1;
    else high = middle;
  }
  for (let at = low; at < sorted.length; at += 1) {
    const text = sorted[at] ?? "";
    if (!text.startsWith(head)) return;
    visit(text);
  }
}

function headOf(segment: Segment): string {
  switch (segment.kind) {
    case "deep":
      return "";
    case "literal":
      return segment.text;
    case "wild":
      return segment.head;
  }
}

function inCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
