import { capacityOf } from "./conflicts.ts";
import { edgesOf, inOrder } from "./edges.ts";
import type { Capacities } from "./conflicts.ts";
import type { Edges } from "./edges.ts";
import type { NeverReason } from "../../../ipc/planView.ts";
import type { TaskId } from "../../../ipc/ids.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";
import type { TaskStatus } from "../../../ipc/taskViews.ts";

/**
 * Which tasks can never start, and why: those with a reason of their own, those that wait for each other
 * in a circle, and those that wait for one of these. `after_any` is content with a task that fails, so
 * one whose dependency has failed holds up only those that come `after` it.
 *
 * @param known the status of tasks that are not among `specs`, as far as somebody knows them
 */
export function neverStarting(
  specs: readonly TaskSpec[],
  capacities: Capacities,
  known: ReadonlyMap<TaskId, TaskStatus>,
): ReadonlyMap<number, NeverReason> {
  const edges = edgesOf(specs);
  const own = new Set(specs.map(({ id }) => id));
  const never = new Map<number, NeverReason>();
  for (const [index, spec] of specs.entries()) {
    const reason = reasonOf(spec, own, capacities, known);
    if (reason !== null) never.set(index, reason);
  }
  for (const circle of circlesOf(edges))
    for (const index of circle)
      never.set(index, { kind: "cycle", members: circle.flatMap((one) => specs[one]?.id ?? []) });
  spread(specs, edges, never);
  return never;
}

function reasonOf(
  spec: TaskSpec,
  own: ReadonlySet<TaskId>,
  capacities: Capacities,
  known: ReadonlyMap<TaskId, TaskStatus>,
): NeverReason | null {
  for (const id of [...spec.after, ...spec.after_any])
    if (!own.has(id) && !known.has(id)) return { kind: "unknown", after: id };
  for (const [resource, asked] of Object.entries(spec.claims?.resources ?? {})) {
    const capacity = capacityOf(capacities, resource);
    if (asked > capacity) return { kind: "resource", resource, asked, capacity };
  }
  for (const id of spec.after) {
    const status = own.has(id) ? undefined : known.get(id);
    if (status === "failed" || status === "cancelled") return { kind: "failed", after: id, status };
  }
  return null;
}

function spread(specs: readonly TaskSpec[], edges: Edges, never: Map<number, NeverReason>): void {
  // Those that fail at once, without having started: good enough for `after_any`.
  const ending = new Set<number>();
  // A map is walked on to what is added meanwhile.
  for (const [index, { kind }] of never) {
    const id = specs[index]?.id;
    if (id === undefined) continue;
    if (kind === "failed") ending.add(index);
    for (const waiter of edges.behind[index] ?? []) {
      const mustSucceed = specs[waiter]?.after.includes(id) === true;
      if (never.has(waiter) || (ending.has(index) && !mustSucceed)) continue;
      never.set(waiter, { kind: "waits_for", after: id });
      if (ending.has(index)) ending.add(waiter);
    }
  }
}

/** Of each task in a circle the shortest one, unless it is in one that was found already. */
function circlesOf(edges: Edges): readonly (readonly number[])[] {
  // What is left in neither direction when all that can be put in order has been.
  const forwards = new Set(inOrder(edges));
  const backwards = new Set(inOrder({ before: edges.behind, behind: edges.before }));
  const stuck = [...edges.before.keys()].filter((at) => !forwards.has(at) && !backwards.has(at));
  const among = new Set(stuck);
  const circles: number[][] = [];
  const placed = new Set<number>();
  for (const start of stuck) {
    const circle = placed.has(start) ? null : circleThrough(start, edges, among);
    if (circle === null) continue;
    for (const index of circle) placed.add(index);
    circles.push(circle);
  }
  return circles;
}

/** The shortest way from a task back to itself along what it waits for; `null` without one. */
function circleThrough(
  start: number,
  { before }: Edges,
  stuck: ReadonlySet<number>,
): number[] | null {
  const from = new Map<number, number>();
  const queue = [start];
  for (const index of queue)
    for (const other of before[index] ?? []) {
      if (other === start) return pathTo(index, start, from);
      if (!stuck.has(other) || from.has(other)) continue;
      from.set(other, index);
      queue.push(other);
    }
  return null;
}

function pathTo(end: number, start: number, from: ReadonlyMap<number, number>): number[] {
  const path: number[] = [];
  for (let at: number | undefined = end; at !== undefined && at !== start; at = from.get(at))
    path.push(at);
  return [start, ...path.toReversed()];
}
