import { nameMatches, namesMeet } from "../glob.ts";
import type { Segment } from "../glob.ts";

/**
 * Segments of globs, and for another segment those of them that some name matches together with it. What
 * stands before the first wildcard of one must begin with that of the other, or the other way round, and
 * so must, read backwards, what stands behind their last wildcards. So segments are sorted by their
 * beginnings and by their ends; whichever leaves fewer to compare is asked.
 *
 *     a*.x1.ts   a*.x2.ts   a*.x3.ts       all begin alike: found by how they end
 */
export type NameTable<Value> = {
  readonly literals: Map<string, Value>;
  /** Most tables have none. */
  wild: Map<string, Edge<Value>> | null;
  /** Made by the first question behind the last change. */
  orders: { literals: Order<Value> | null; wild: Order<Value> | null };
};

type Edge<Value> = { readonly segment: Segment; readonly value: Value };

type Order<Value> = { readonly heads: Side<Value>; readonly tails: Side<Value> };

/** Edges by what they begin with, or by what they end with, read backwards. */
type Side<Value> = {
  readonly edges: readonly Edge<Value>[];
  /** The same places as in `edges`, sorted. */
  readonly texts: readonly string[];
  readonly runs: ReadonlyMap<string, Span>;
  /** How long texts are, shortest first. */
  readonly lengths: readonly number[];
};

type Span = readonly [from: number, to: number];

/** So few are compared one after the other. */
const unorderedMax = 8;

export function makeNameTable<Value>(): NameTable<Value> {
  return { literals: new Map(), wild: null, orders: { literals: null, wild: null } };
}

export function inTable<Value>(
  table: NameTable<Value>,
  segment: Segment,
  make: () => Value,
): Value {
  if (segment.kind === "literal") {
    const known = table.literals.get(segment.text);
    if (known !== undefined) return known;
    const value = make();
    table.literals.set(segment.text, value);
    table.orders.literals = null;
    return value;
  }
  const text = segment.kind === "deep" ? "**" : segment.text;
  const known = table.wild?.get(text);
  if (known !== undefined) return known.value;
  const value = make();
  table.wild ??= new Map();
  table.wild.set(text, { segment, value });
  table.orders.wild = null;
  return value;
}

export function eachMeeting<Value>(
  table: NameTable<Value>,
  segment: Segment,
  visit: (value: Value) => void,
): void {
  const { literals, wild, orders } = table;
  if (segment.kind === "literal") {
    const same = literals.get(segment.text);
    if (same !== undefined) visit(same);
  } else if (literals.size <= unorderedMax) {
    for (const [text, value] of literals) if (nameMatches(segment, text)) visit(value);
  } else {
    orders.literals ??= makeOrder(edgesOf(literals));
    eachAlike(orders.literals, segment, visit);
  }
  if (wild === null) return;
  if (wild.size <= unorderedMax) {
    for (const edge of wild.values()) if (namesMeet(segment, edge.segment)) visit(edge.value);
    return;
  }
  orders.wild ??= makeOrder([...wild.values()]);
  eachAlike(orders.wild, segment, visit);
}

function eachAlike<Value>(
  { heads, tails }: Order<Value>,
  segment: Segment,
  visit: (value: Value) => void,
): void {
  const byHead = spansOf(heads, headOf(segment));
  const byTail = spansOf(tails, backwards(tailOf(segment)));
  const [{ edges }, spans] = total(byHead) <= total(byTail) ? [heads, byHead] : [tails, byTail];
  for (const [from, to] of spans)
    for (let at = from; at < to; at += 1) {
      const edge = edges[at];
      if (edge !== undefined && namesMeet(segment, edge.segment)) visit(edge.value);
    }
}

/** Where the texts stand that this one begins with, and those that begin with it. */
function spansOf<Value>({ texts, runs, lengths }: Side<Value>, text: string): readonly Span[] {
  const spans: Span[] = [];
  for (const length of lengths) {
    if (length >= text.length) break;
    const run = runs.get(text.slice(0, length));
    if (run !== undefined) spans.push(run);
  }
  const from = firstAt(texts, 0, (other) => other >= text);
  const to = firstAt(texts, from, (other) => !other.startsWith(text));
  if (from < to) spans.push([from, to]);
  return spans;
}

function total(spans: readonly Span[]): number {
  return spans.reduce((sum, [from, to]) => sum + to - from, 0);
}

function edgesOf<Value>(literals: ReadonlyMap<string, Value>): Edge<Value>[] {
  return Array.from(literals, ([text, value]) => ({ segment: { kind: "literal", text }, value }));
}

function makeOrder<Value>(edges: readonly Edge<Value>[]): Order<Value> {
  return {
    heads: makeSide(edges, headOf),
    tails: makeSide(edges, (segment) => backwards(tailOf(segment))),
  };
}

function makeSide<Value>(
  unsorted: readonly Edge<Value>[],
  textOf: (segment: Segment) => string,
): Side<Value> {
  const sorted = unsorted
    .map((edge) => ({ edge, text: textOf(edge.segment) }))
    .toSorted((a, b) => (a.text < b.text ? -1 : Number(a.text > b.text)));
  const texts = sorted.map(({ text }) => text);
  const runs = new Map<string, Span>();
  for (const [at, text] of texts.entries()) runs.set(text, [runs.get(text)?.[0] ?? at, at + 1]);
  const lengths = [...new Set(texts.map((text) => text.length))].toSorted((a, b) => a - b);
  return { edges: sorted.map(({ edge }) => edge), texts, runs, lengths };
}

/** The first place from `from` on where it is so; once it is so it stays so. */
function firstAt(texts: readonly string[], from: number, is: (text: string) => boolean): number {
  let [low, high] = [from, texts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (is(texts[middle] ?? "")) high = middle;
    else low = middle + 1;
  }
  return low;
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

function tailOf(segment: Segment): string {
  return segment.kind === "wild" ? segment.tail : headOf(segment);
}

/** By code units, as texts are sorted: this is no text for people. */
function backwards(text: string): string {
  let turned = "";
  for (let at = text.length - 1; at >= 0; at -= 1) turned += text[at];
  return turned;
}
