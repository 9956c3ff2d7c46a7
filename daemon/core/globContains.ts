import { nameOutcomes } from "./nameOutcomes.ts";
import { wholeOf } from "./glob.ts";
import type { Pattern, Segment, Segments } from "./glob.ts";

/** Steps of one comparison; what needs more counts as not contained, which is always safe to say. */
const stepsMax = 20_000;

/**
 * Does `outer` match every path that `inner` matches? Exact up to `stepsMax`: reads `inner` segment by
 * segment and keeps the set of places where `outer` could be by then. A name splits that set by which
 * of the segments awaited there it matches (`nameOutcomes.ts`); `inner` is contained if `outer` can
 * always be at an end when `inner` is.
 */
export function globContains(outer: Pattern, inner: Pattern): boolean {
  const wholes = outer.alternatives.map(wholeOf);
  const start = closed(
    wholes,
    wholes.keys().map((alternative) => ({ alternative, at: 0 })),
  );
  return inner.alternatives.every((one) => contained(wholes, wholeOf(one), start));
}

/** A place in one of the alternatives of the outer glob. */
type Place = { readonly alternative: number; readonly at: number };
/** `begun`: some name has been read; a path has at least one. */
type Step = { readonly at: number; readonly places: readonly Place[]; readonly begun: boolean };

function contained(outer: readonly Segments[], inner: Segments, start: readonly Place[]): boolean {
  const queue: Step[] = [{ at: 0, places: start, begun: false }];
  const seen = new Set<string>();
  for (const step of queue) {
    const key = `${step.begun}|${step.at}|${keyOf(step.places)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    if (queue.length > stepsMax) return false;
    const awaited = inner[step.at];
    if (awaited === undefined) {
      if (step.begun && !atAnEnd(outer, step.places)) return false;
      continue;
    }
    if (awaited.kind === "deep") queue.push({ ...step, at: step.at + 1 });
    const next = awaited.kind === "deep" ? step.at : step.at + 1;
    const successors = placesAfter(outer, step.places, awaited);
    if (successors === null) return false;
    for (const places of successors) queue.push({ at: next, places, begun: true });
  }
  return true;
}

function atAnEnd(outer: readonly Segments[], places: readonly Place[]): boolean {
  return places.some(({ alternative, at }) => outer[alternative]?.length === at);
}

/** The sets of places that the names matched by `name` lead to; `null` when there is too much to try. */
function placesAfter(
  outer: readonly Segments[],
  places: readonly Place[],
  name: Segment,
): (readonly Place[])[] | null {
  const awaited = places.flatMap(({ alternative, at }) => {
    const segment = outer[alternative]?.[at];
    return segment === undefined ? [] : [{ alternative, at, segment }];
  });
  const outcomes = nameOutcomes(
    name,
    awaited.map(({ segment }) => segment),
  );
  return (
    outcomes?.map((matched) =>
      closed(
        outer,
        awaited.flatMap(({ alternative, at, segment }, index) => {
          if (segment.kind === "deep") return [{ alternative, at }];
          return matched[index] === true ? [{ alternative, at: at + 1 }] : [];
        }),
      ),
    ) ?? null
  );
}

/** With the places behind every `**` that may match nothing. */
function closed(outer: readonly Segments[], places: Iterable<Place>): Place[] {
  const all = new Map<string, Place>();
  for (const { alternative, at: first } of places)
    for (let at = first; ; at += 1) {
      all.set(`${alternative}:${at}`, { alternative, at });
      if (outer[alternative]?.[at]?.kind !== "deep") break;
    }
  return [...all.values()];
}

function keyOf(places: readonly Place[]): string {
  return places
    .map(({ alternative, at }) => `${alternative}:${at}`)
    .toSorted()
    .join(",");
}
