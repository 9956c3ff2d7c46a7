import type { Fault } from "./document.ts";
import type { TaskId } from "./ids.ts";
import type { FieldPath } from "./location.ts";
import type { TaskSpec } from "./taskSpec.ts";

const namesShownMax = 8;

/**
 * Tasks of one file that wait for each other in a circle, `after` and `after_any` alike; one fault for
 * the first circle found. Ids that are not in the file are passed over, and so are tasks that wait
 * for themselves, which are reported elsewhere. Works without recursion, in time linear in the edges.
 */
export function cycleFault(
  specs: readonly TaskSpec[],
  pathOf: (index: number) => FieldPath,
): Fault[] {
  const indexes = new Map(specs.map(({ id }, index) => [id, index]));
  const waitsFor = specs.map((spec, index) =>
    [...spec.after, ...spec.after_any]
      .map((id) => indexes.get(id))
      .filter((other) => other !== undefined)
      .filter((other) => other !== index),
  );
  const stuck = neverReady(waitsFor);
  const start = stuck.values().next().value;
  if (start === undefined) return [];
  return [circleFault(circleFrom(start, waitsFor, stuck), specs, pathOf)];
}

/** Kahn's algorithm (Topological sorting of large networks, 1962): what is left when all that can start has. */
function neverReady(waitsFor: readonly (readonly number[])[]): Set<number> {
  const waiters: number[][] = waitsFor.map(() => []);
  waitsFor.forEach((others, index) => others.forEach((other) => waiters[other]?.push(index)));
  const open = waitsFor.map((others) => others.length);
  const ready = [...open.keys()].filter((index) => open[index] === 0);
  const stuck = new Set(waitsFor.keys());
  for (let index = ready.pop(); index !== undefined; index = ready.pop()) {
    stuck.delete(index);
    for (const waiter of waiters[index] ?? []) {
      const left = (open[waiter] ?? 0) - 1;
      open[waiter] = left;
      if (left === 0) ready.push(waiter);
    }
  }
  return stuck;
}

/** Each stuck task waits for a stuck one, so going on from any of them comes round. */
function circleFrom(
  start: number,
  waitsFor: readonly (readonly number[])[],
  stuck: ReadonlySet<number>,
): number[] {
  const walked = new Map<number, number>();
  let at = start;
  while (!walked.has(at)) {
    walked.set(at, walked.size);
    at = waitsFor[at]?.find((other) => stuck.has(other)) ?? at;
  }
  return [...walked.keys()].slice(walked.get(at));
}

function circleFault(
  circle: readonly number[],
  specs: readonly TaskSpec[],
  pathOf: (index: number) => FieldPath,
): Fault {
  const names = circle.map((index) => specs[index]?.id ?? "");
  const [first = "", ...rest] = names;
  const shown = rest.slice(0, namesShownMax);
  const hidden = rest.length - shown.length;
  const more = hidden > 0 ? `, and so on through ${hidden} more` : "";
  const others = [...shown, ...(hidden > 0 ? [] : [first])];
  const chain = others.map((name) => `"${name}"`).join(", which waits for ");
  return {
    path: placeOf(circle, specs, pathOf),
    message: `"${first}" waits for ${chain}${more}: a circle, in which none can start`,
  };
}

/** The entry that closes the circle; with `behavior: sequential` it may stand nowhere. */
function placeOf(
  circle: readonly number[],
  specs: readonly TaskSpec[],
  pathOf: (index: number) => FieldPath,
): FieldPath {
  const [index = 0, next = index] = circle;
  const id: TaskId | undefined = specs[next]?.id;
  const spec = specs[index];
  const field = spec?.after.some((other) => other === id) === true ? "after" : "after_any";
  const position = spec?.[field].findIndex((other) => other === id) ?? 0;
  return [...pathOf(index), field, position];
}
