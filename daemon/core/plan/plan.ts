import { claimConflict, compileHolding, conflictExample } from "../claims.ts";
import { capacityOf, conflictsOf, countPairs } from "./conflicts.ts";
import { makeBits, nextBit, rowOf, setBit } from "./bits.ts";
import { criticalPath } from "./criticalPath.ts";
import { edgesOf } from "./edges.ts";
import { isInstant } from "../state.ts";
import { makespan } from "./forecast.ts";
import { neverStarting } from "./never.ts";
import { wavesOf } from "./waves.ts";
import type { Capacities } from "./conflicts.ts";
import type { ConflictCause, PlanView, PlannedConflict } from "../../../ipc/planView.ts";
import type { Pace } from "./forecast.ts";
import type { Planned } from "./planned.ts";
import type { TaskId } from "../../../ipc/ids.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";
import type { TaskStatus } from "../../../ipc/taskViews.ts";

/**
 * A plan: what would happen if these tasks were submitted to a supervisor with nothing else to do.
 * Nothing is run and nothing is asked of the machine.
 *
 *     specs ─► those that can never start are set apart
 *              the rest, in order of priority ─► conflicts ─► waves
 *                                            └─► longest chain, times by estimates
 */
export type Terms = {
  readonly slots: number;
  /** Capacities of named resources; of one that is not named there is 1. */
  readonly resources: Capacities;
  /** The status of tasks that are not in the plan, as far as it is known. */
  readonly known: ReadonlyMap<TaskId, TaskStatus>;
  /** Wall clock in milliseconds, for `not_before`. */
  readonly now: number;
  readonly pairsListedMax: number;
};

/** Ids that tasks come after and that none of them has. */
export function outsideIds(specs: readonly TaskSpec[]): TaskId[] {
  const own = new Set(specs.map(({ id }) => id));
  const named = specs.flatMap(({ after, after_any }) => [...after, ...after_any]);
  return [...new Set(named)].filter((id) => !own.has(id));
}

export function planTasks(specs: readonly TaskSpec[], terms: Terms): PlanView {
  const never = neverStarting(specs, terms.resources, terms.known);
  const able = specs.filter((_, index) => !never.has(index));
  const planned = inOrderOfStart(able, terms);
  const waves = wavesOf(planned);
  const estimates = estimatesOf(able);
  const pace = paceOf(planned.specs, terms, estimates.assumed_ms);
  const lengths = pace === null ? null : lengthsOf(waves, planned, pace);
  const longest = criticalPath(planned.edges, pace?.durations ?? planned.specs.map(() => 1));
  const ids = (tasks: readonly number[]): TaskId[] =>
    tasks.flatMap((task) => planned.specs[task]?.id ?? []);
  return {
    tasks: specs.length,
    slots: terms.slots,
    conflicts: {
      pairs: countPairs(planned.conflicts),
      listed: listedConflicts(able, planned, terms),
    },
    waves: waves.map((tasks, at) => ({ tasks: ids(tasks), ms: lengths?.[at] ?? null })),
    critical_path: { tasks: ids(longest.tasks), ms: pace === null ? null : longest.length },
    never: [...never]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([index, because]) => {
        const task = specs[index]?.id;
        return task === undefined ? [] : [{ task, because }];
      }),
    outside: outsideIds(able).filter((id) => isOpen(terms.known.get(id))),
    estimates,
    expected: pace === null || lengths === null ? null : expectedTimes(planned, pace, lengths),
  };
}

function inOrderOfStart(able: readonly TaskSpec[], { resources }: Terms): Planned {
  // `toSorted` keeps the order of equals.
  const specs = able.toSorted((a, b) => b.priority - a.priority);
  const conflicts = conflictsOf(
    specs.map(({ claims }) => claims),
    resources,
  );
  const instant = makeBits(specs.length);
  for (const [task, spec] of specs.entries()) if (isInstant(spec)) setBit(instant, task);
  return { specs, edges: edgesOf(specs), conflicts, capacities: resources, instant };
}

function estimatesOf(specs: readonly TaskSpec[]): PlanView["estimates"] {
  const given = specs.flatMap(({ estimate_ms }) => estimate_ms ?? []);
  return {
    given: given.length,
    missing: specs.length - given.length,
    assumed_ms: given.length === 0 ? null : Math.round(sum(given) / given.length),
  };
}

function paceOf(
  specs: readonly TaskSpec[],
  { slots, now }: Terms,
  assumed: number | null,
): Pace | null {
  if (assumed === null) return null;
  return {
    slots,
    durations: specs.map(({ estimate_ms }) => estimate_ms ?? assumed),
    releases: specs.map(({ not_before }) => {
      if (not_before === null) return 0;
      return "delay_ms" in not_before ? not_before.delay_ms : Math.max(0, not_before.at_ms - now);
    }),
  };
}

/** How long each wave takes, from the end of the one before. */
function lengthsOf(
  waves: readonly (readonly number[])[],
  planned: Planned,
  pace: Pace,
): readonly number[] {
  let from = 0;
  return waves.map((tasks) => {
    const begun = from;
    from = makespan(planned, pace, tasks, begun);
    return from - begun;
  });
}

function expectedTimes(
  planned: Planned,
  pace: Pace,
  waves: readonly number[],
): PlanView["expected"] {
  const alone = sum(pace.durations);
  const ms = makespan(planned, pace, [...planned.specs.keys()], 0);
  const speedUp = ms === 0 ? 1 : Math.round((alone / ms) * 100) / 100;
  return { one_at_a_time_ms: alone, ms, waves_ms: sum(waves), speed_up: speedUp };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The first ones, in the order of the files, each with the first claims that meet. */
function listedConflicts(
  able: readonly TaskSpec[],
  { specs, conflicts }: Planned,
  { resources, pairsListedMax }: Terms,
): readonly PlannedConflict[] {
  const listed: PlannedConflict[] = [];
  const numbers = new Map(specs.map(({ id }, number) => [id, number]));
  const places = new Map(able.map(({ id }, place) => [id, place]));
  for (const [place, spec] of able.entries()) {
    if (listed.length === pairsListedMax) break;
    for (const other of metBy(rowOf(conflicts, numbers.get(spec.id) ?? 0), specs, places)) {
      if (listed.length === pairsListedMax) break;
      const theirs = able[other];
      if (other < place || theirs === undefined) continue;
      listed.push({ tasks: [spec.id, theirs.id], on: causeOf(spec, theirs, resources) });
    }
  }
  return listed;
}

function metBy(
  row: Uint32Array,
  specs: readonly TaskSpec[],
  places: ReadonlyMap<TaskId, number>,
): number[] {
  const found: number[] = [];
  for (let other = nextBit(row, 0); other >= 0; other = nextBit(row, other + 1)) {
    const id = specs[other]?.id;
    const place = id === undefined ? undefined : places.get(id);
    if (place !== undefined) found.push(place);
  }
  return found.toSorted((a, b) => a - b);
}

function causeOf(a: TaskSpec, b: TaskSpec, capacities: Capacities): ConflictCause {
  const found = claimConflict(holdingOfSpec(a), holdingOfSpec(b));
  if (found !== null) {
    return { kind: "claims", claims: [found.claim, found.theirs], example: conflictExample(found) };
  }
  for (const [resource, amount] of Object.entries(a.claims?.resources ?? {})) {
    const capacity = capacityOf(capacities, resource);
    const theirs = b.claims?.resources[resource] ?? 0;
    if (theirs > 0 && amount + theirs > capacity) return { kind: "resource", resource, capacity };
  }
  throw new Error(`${a.id} and ${b.id} are in each other's way for no reason`);
}

function holdingOfSpec({ claims }: TaskSpec) {
  const holding = claims ?? { writes: [], reads: [], resources: {} };
  return compileHolding({ ...holding, optimistic: claims === null });
}

function isOpen(status: TaskStatus | undefined): boolean {
  return status === "queued" || status === "running" || status === "landing";
}
