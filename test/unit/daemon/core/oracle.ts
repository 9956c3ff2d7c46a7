import { holdingOf, holdingOfHold } from "../../../../daemon/core/holding.ts";
import { isFinal, isHold, isInstant } from "../../../../daemon/core/state.ts";
import { precedes, rankAndOrder, rankOf, rankOfHold } from "../../../../daemon/core/rank.ts";
import type { Hold, State, Task } from "../../../../daemon/core/state.ts";
import type { Holding } from "../../../../daemon/core/holding.ts";
import type { HolderId } from "../../../../ipc/ids.ts";

/**
 * What must be true of claims and places, found out the slow way: every path of a small universe is
 * tried, every task is looked at. Shares no code with the index and the globs under test.
 */
export const names = ["a", "b", "ab", "ba"];
export const universe: readonly (readonly string[])[] = pathsUpTo(4, names);

export function pathsUpTo(depth: number, from: readonly string[]): string[][] {
  const paths: string[][] = [];
  let level: string[][] = [[]];
  for (let at = 0; at < depth; at += 1) {
    level = level.flatMap((path) => from.map((name) => [...path, name]));
    paths.push(...level);
  }
  return paths;
}

const patterns = new Map<string, RegExp>();

export function nameMatches(glob: string, name: string): boolean {
  let pattern = patterns.get(glob);
  if (pattern === undefined) {
    const text = glob
      .replaceAll(".", "\\.")
      .replaceAll("*", "[^/]*")
      .replaceAll("?", "[^/]")
      .replace(/\{([^}]*)\}/g, (_, list: string) => `(?:${list.split(",").join("|")})`);
    pattern = new RegExp(`^${text}$`);
    patterns.set(glob, pattern);
  }
  return pattern.test(name);
}

export function pathMatches(glob: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return path.length === 0;
  if (first === "**")
    return path.some((_, at) => pathMatches(rest, path.slice(at))) || pathMatches(rest, []);
  const [name, ...below] = path;
  return name !== undefined && nameMatches(first, name) && pathMatches(rest, below);
}

/** The numbers of the paths in the universe that a glob covers. */
const covered = new Map<string, ReadonlySet<number>>();

export function coverOf(glob: string): ReadonlySet<number> {
  let cover = covered.get(glob);
  if (cover === undefined) {
    const segments = glob.split("/");
    cover = new Set(universe.flatMap((path, at) => (pathMatches(segments, path) ? [at] : [])));
    covered.set(glob, cover);
  }
  return cover;
}

/** Of letters that no glob names: what matches all of these matches everything. */
const strange = [1, 2, 3, 9].flatMap((depth) =>
  ["x", "xy", "xyz"].map((name) => Array.from({ length: depth }, () => name)),
);

function coversEverything(glob: string): boolean {
  const segments = glob.split("/");
  return strange.every((path) => pathMatches(segments, path));
}

export function claimsConflict(a: Holding, b: Holding): boolean {
  if (b.optimistic && a.writes.some(coversEverything)) return true;
  if (a.optimistic && b.writes.some(coversEverything)) return true;
  return share(a.writes, b.writes) || share(a.writes, b.reads) || share(a.reads, b.writes);
}

function share(a: readonly string[], b: readonly string[]): boolean {
  return a.some((left) => b.some((right) => !coverOf(left).isDisjointFrom(coverOf(right))));
}

export function usesSame(a: Holding, b: Holding): boolean {
  return Object.keys(a.resources).some((resource) => Object.hasOwn(b.resources, resource));
}

export function live(state: State): Task[] {
  return [...state.tasks.values()].filter(
    ({ life }) => life.status === "running" || life.status === "landing",
  );
}

/** Queued, and nothing but claims and places can stand in its way. */
export function isReady(state: State, task: Task, at: number): boolean {
  const { life, spec, paused } = task;
  return (
    life.status === "queued" &&
    !paused &&
    !spec.labels.some((label) => state.pausedLabels.has(label)) &&
    !waitsForTime(task, at) &&
    spec.after.every((other) => state.finals.get(other)?.status === "succeeded") &&
    spec.after_any.every((other) => state.finals.has(other))
  );
}

/** A clock that shows a time before the wait began was set back: what was to last some time has lasted. */
function waitsForTime({ life, spec }: Task, at: number): boolean {
  if (life.status !== "queued" || life.notBefore === null || life.notBefore <= at) return false;
  const untilATime = !life.backoff && (spec.not_before === null || "at" in spec.not_before);
  return untilATime || at >= life.since;
}

export function heldBy(state: State): Holding[] {
  return heldBeside(state, null);
}

/** What is held by somebody else than `except`. */
export function heldBeside(state: State, except: HolderId | null): Holding[] {
  const tasks = live(state).filter(({ id }) => id !== except);
  const holds = [...state.holds.values()].filter(({ id, granted }) => granted && id !== except);
  return [...tasks.map((task) => holdingOf(task)), ...holds.map((one) => holdingOfHold(one))];
}

/** Holds that nothing stands in the way of, and that wait all the same. */
export function forgottenHolds(state: State): Hold[] {
  const { waiters } = state.schedule;
  const tasks = [...waiters.keys()].flatMap((id) =>
    isHold(id) ? [] : (state.tasks.get(id) ?? []),
  );
  return [...state.holds.values()].filter((one) => {
    if (one.granted !== null) return false;
    const mine = holdingOfHold(one);
    const earlier = [
      ...tasks.filter((task) => precedes(rankAndOrder(task), rankOfHold(one))).map(holdingOf),
      ...[...state.holds.values()]
        .filter((other) => waiters.has(other.id) && precedes(rankOfHold(other), rankOfHold(one)))
        .map(holdingOfHold),
    ];
    return fits(state, mine, heldBeside(state, one.id)) && fitsEarlier(mine, earlier);
  });
}

/** Its claims fit with everybody who holds any, and nobody earlier wants what it wants. */
export function hasFreeWay(state: State, task: Task, waiting: readonly Task[]): boolean {
  const mine = holdingOf(task);
  const holds = [...state.holds.values()].filter(
    (one) => one.granted === null && precedes(rankOfHold(one), rankAndOrder(task)),
  );
  const earlier = waiting.filter((other) => comesBefore(other, task)).map(holdingOf);
  return (
    fits(state, mine, heldBeside(state, task.id)) &&
    fitsEarlier(mine, [...earlier, ...holds.map(holdingOfHold)])
  );
}

function fitsEarlier(mine: Holding, earlier: readonly Holding[]): boolean {
  return earlier.every((theirs) => !claimsConflict(mine, theirs) && !usesSame(mine, theirs));
}

function fits(state: State, mine: Holding, holders: readonly Holding[]): boolean {
  if (holders.some((theirs) => claimsConflict(mine, theirs))) return false;
  for (const [resource, count] of Object.entries(mine.resources)) {
    const held = holders.reduce((sum, { resources }) => sum + (resources[resource] ?? 0), 0);
    if (held > 0 && held + count > (state.settings.resources[resource] ?? 1)) return false;
  }
  return true;
}

export function comesBefore(a: Task, b: Task): boolean {
  return rankOf(a) < rankOf(b) || (rankOf(a) === rankOf(b) && a.order < b.order);
}

export type Places = { readonly idle: number; readonly shared: number };

/** Workers that hold nothing, and those that would take one more instant task. */
export function placesOf(state: State): Places {
  let idle = 0;
  let shared = 0;
  for (let slot = 1; slot <= state.settings.slots; slot += 1) {
    const name = `worker-${slot}`;
    if (![...state.workers.keys()].some((one) => one === name)) continue;
    const held = live(state).filter(
      ({ life }) => life.status === "running" && life.worker === name,
    );
    if (held.length === 0) idle += 1;
    if (held.length < 64 && held.every(({ spec }) => isInstant(spec))) shared += 1;
  }
  return { idle, shared };
}

/** Those that a fair and work-conserving schedule would have started by now. */
export function forgotten(state: State, at: number): Task[] {
  if (state.paused) return [];
  const places = placesOf(state);
  const ready = [...state.tasks.values()].filter((task) => isReady(state, task, at));
  const ordinary = ready.filter(({ spec }) => !isInstant(spec));
  // One that waits for claims may meanwhile wait for something else as well; until it is looked at
  // again it keeps its turn.
  const waiting = [...state.tasks.values()].filter(
    (task) => isReady(state, task, at) || state.schedule.blocked.has(task.id),
  );
  return ready.filter((task) => {
    if (places.idle === 0 && !isInstant(task.spec)) return false;
    if (places.shared === 0) return false;
    // An instant task does not keep a worker from an ordinary one that comes first.
    if (places.idle === 0 && ordinary.some((other) => comesBefore(other, task))) return false;
    return hasFreeWay(state, task, waiting);
  });
}

export function recount(state: State): Record<string, number> {
  const counts = { queued: 0, running: 0, landing: 0, succeeded: 0, failed: 0, cancelled: 0 };
  for (const { life } of state.tasks.values()) if (!isFinal(life)) counts[life.status] += 1;
  for (const [, { status }] of state.finals) counts[status] += 1;
  return counts;
}
