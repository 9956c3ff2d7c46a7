import { unreachable } from "./errors.ts";
import type { Problem } from "./errors.ts";
import { fieldName, positionsIn, quoted } from "./location.ts";
import type { FieldPath } from "./location.ts";

/**
 * What a JSON or YAML text holds, with the place of everything in it, so that a problem found later
 * (by the schema, by a rule) can say line and column. `ipc/json.ts` and `ipc/yaml.ts` make it.
 * Offsets count UTF-16 units from the start of the text.
 */
export type DocumentNode =
  | { readonly kind: "scalar"; readonly offset: number; readonly value: Scalar }
  | { readonly kind: "list"; readonly offset: number; readonly items: readonly DocumentNode[] }
  | { readonly kind: "map"; readonly offset: number; readonly entries: readonly Entry[] };
export type Scalar = string | number | boolean | null;
export type Entry = {
  readonly key: string;
  readonly keyOffset: number;
  readonly value: DocumentNode;
};

export type DocumentParse =
  | { readonly ok: true; readonly root: DocumentNode }
  | { readonly ok: false; readonly faults: readonly TextFault[] };
/** Something wrong with the text itself. */
export type TextFault = { readonly offset: number; readonly message: string };

/** Something wrong with a value; `at` says that its key is meant, `offset` where it stands if that is known. */
export type Fault = {
  readonly path: FieldPath;
  readonly message: string;
  readonly at?: "key";
  readonly offset?: number;
};

/** Lists and maps inside each other. Checked before anything recurses. */
export const nestingMax = 64;
export const tooDeep = `is nested more than ${nestingMax} deep`;
/** Problems of one text that are reported. */
export const problemsMax = 50;

/** The plain value; maps without a prototype, so that no key can reach `Object.prototype`. */
export function plainValue(node: DocumentNode): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(plainValue);
    case "map":
      return Object.assign(
        Object.create(null),
        Object.fromEntries(node.entries.map(({ key, value }) => [key, plainValue(value)])),
      );
    default:
      return unreachable(node);
  }
}

/** Keys that stand twice in one map, and keys that could be mistaken for parts of every object. */
export function keyFaults(root: DocumentNode, path: FieldPath = []): Fault[] {
  if (root.kind === "scalar") return [];
  if (root.kind === "list") {
    return root.items.flatMap((item, index) => keyFaults(item, [...path, index]));
  }
  const seen = new Map<string, number>();
  return root.entries.flatMap(({ key, keyOffset, value }) => {
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    // The third one and later say nothing new.
    const message =
      times === 1 ? reservedKeyFault(key) : times === 2 ? "stands twice in one map" : null;
    const fault: Fault = {
      path: [...path, key],
      message: message ?? "",
      at: "key",
      offset: keyOffset,
    };
    return [...(message === null ? [] : [fault]), ...keyFaults(value, [...path, key])];
  });
}

/** `__proto__`, `constructor`, `toString`, …: looked up in a plain object, they are always there. */
export function reservedKeyFault(key: string): string | null {
  return key in Object.prototype ? `unknown key ${quoted(key)}` : null;
}

/** Puts each fault at its place and all in the order of the text; at most `problemsMax`, then one that counts the rest. */
export function problemsOf(
  faults: readonly Fault[],
  source: { readonly name: string | null; readonly text: string; readonly root: DocumentNode },
): Problem[] {
  const position = positionsIn(source.text);
  const offsetOf = offsetFinder(source.root);
  const placed = faults.map((fault) => ({
    fault,
    offset: fault.offset ?? offsetOf(fault),
  }));
  placed.sort((a, b) => a.offset - b.offset);
  return capped(placed, ({ fault, offset }) => ({
    file: source.name,
    ...position(offset),
    field: fieldName(fault.path),
    message: fault.message,
  }));
}

export function textProblems(
  faults: readonly TextFault[],
  source: { readonly name: string; readonly text: string },
): Problem[] {
  const position = positionsIn(source.text);
  return capped(faults, ({ offset, message }) => ({
    file: source.name,
    ...position(offset),
    field: "",
    message,
  }));
}

/** For values that came from no text. */
export function unplacedProblems(faults: readonly Fault[]): Problem[] {
  return capped(faults, ({ path, message }) => unplaced(fieldName(path), message));
}

export function unplaced(field: string, message: string): Problem {
  return { file: null, line: null, column: null, field, message };
}

function capped<Item>(items: readonly Item[], problem: (item: Item) => Problem): Problem[] {
  const shown = items.slice(0, problemsMax).map(problem);
  const rest = items.length - shown.length;
  const first = shown[0];
  if (rest === 0 || first === undefined) return shown;
  const nowhere = { file: first.file, line: null, column: null, field: "" };
  return [...shown, { ...nowhere, message: `and ${rest} more problems` }];
}

/** Where the path leads; for a part that is missing, what it is missing from. */
function offsetFinder(root: DocumentNode): (fault: Fault) => number {
  const indexes = new Map<DocumentNode, ReadonlyMap<string | number, Place>>();
  const placesIn = (node: DocumentNode): ReadonlyMap<string | number, Place> => {
    const known = indexes.get(node) ?? placesOf(node);
    indexes.set(node, known);
    return known;
  };
  return ({ path, at }) => {
    let place: Place = { keyOffset: root.offset, node: root };
    for (const step of path) {
      const next = placesIn(place.node).get(step);
      if (next === undefined) return place.node.offset;
      place = next;
    }
    return at === "key" ? place.keyOffset : place.node.offset;
  };
}

type Place = { readonly keyOffset: number; readonly node: DocumentNode };

/** Of a key that stands twice, the last one counts, as in the plain value. */
function placesOf(node: DocumentNode): ReadonlyMap<string | number, Place> {
  switch (node.kind) {
    case "scalar":
      return new Map();
    case "list":
      return new Map(node.items.map((item, at) => [at, { keyOffset: item.offset, node: item }]));
    case "map":
      return new Map(
        node.entries.map(({ key, keyOffset, value }) => [key, { keyOffset, node: value }]),
      );
    default:
      return unreachable(node);
  }
}
