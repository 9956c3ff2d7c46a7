import { claimConflict, compileHolding } from "./claims.ts";
import { claimsNothing, holdingOf, holdsClaims, isInstant } from "./state.ts";
import { heapPush, makeHeap } from "./heap.ts";
import type { ClaimConflict, CompiledHolding } from "./claims.ts";
import type { Heap } from "./heap.ts";
import type { State, Task } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";

/**
 * Who could start next, kept beside the state so that a decision does not look at every task.
 *
 * A queued task is in exactly one place:
 *   unmet      waits for tasks it comes after; moves on when the last of them is final
 *   timers     waits for a time
 *   ready      could start as far as it is concerned (`instants` or `ordinary` heap)
 *   blocked    its claims meet a holder's, or an earlier waiter's that may not be overtaken any more;
 *              looked at again when one of those starts, ends, or gives up waiting
 *   nowhere    paused; `resume` puts it back
 *
 * Heap entries are not removed when a task leaves: whoever pops one checks that it still counts.
 */
export type Schedule = {
  readonly ordinary: Heap<TaskId>;
  readonly instants: Heap<TaskId>;
  readonly timers: Heap<TaskId>;
  /** When `timers` was looked at last. */
  timersAt: number;
  readonly unmet: Map<TaskId, number>;
  /** Queued tasks by what they come after; a final task keeps its entry until they have moved on. */
  readonly dependents: Map<TaskId, Set<TaskId>>;
  readonly blocked: Map<TaskId, Waiter>;
  readonly waiters: Map<TaskId, Set<TaskId>>;
  readonly fairness: Map<TaskId, Fairness>;
  readonly holders: Map<TaskId, CompiledHolding>;
  readonly resourcesHeld: Map<string, number>;
};

export type Blocked = {
  /** Who has to move on first; for a resource that does not suffice, whichever of its holders does. */
  readonly by: readonly [TaskId, ...TaskId[]];
  readonly why: BlockedWhy;
  readonly holding: CompiledHolding;
};
/** With its place in the order, which is asked for most. */
type Waiter = Blocked & { readonly rank: number; readonly order: number };
export type BlockedWhy =
  | ({ readonly kind: "claim" } & ClaimConflict)
  | { readonly kind: "resource"; readonly resource: string };

/** How long a task has waited for claims, and how often later ones passed it meanwhile. */
export type Fairness = { readonly since: number; overtaken: number };

/** A waiter may be passed by later tasks with overlapping claims this often, and no longer than the fairness window. */
export const overtakenMax = 4;

/** Priority ages: a task gains one point for each minute it has waited. */
const agingMsPerPoint = 60_000;

export function makeSchedule(): Schedule {
  return {
    ordinary: makeHeap(),
    instants: makeHeap(),
    timers: makeHeap(),
    timersAt: 0,
    unmet: new Map(),
    dependents: new Map(),
    blocked: new Map(),
    waiters: new Map(),
    fairness: new Map(),
    holders: new Map(),
    resourcesHeld: new Map(),
  };
}

/** Smaller starts earlier. Ageing adds the same to all that wait, so the order between two never changes. */
export function rankOf(task: Task): number {
  return task.submittedAt / agingMsPerPoint - task.spec.priority;
}

/** Counts the unfinished tasks this one comes after, and asks to be told when they are final. */
export function watchDependencies(state: State, task: Task): void {
  let unmet = 0;
  for (const id of dependenciesOf(task)) {
    if (state.finals.has(id)) continue;
    unmet += 1;
    const dependents = state.schedule.dependents.get(id);
    if (dependents === undefined) state.schedule.dependents.set(id, new Set([task.id]));
    else dependents.add(task.id);
  }
  if (unmet > 0) state.schedule.unmet.set(task.id, unmet);
}

/** A ready task turned out not to be: it goes where it belongs now, and nobody waits behind it. */
export function sendBack(state: State, task: Task, at: number): void {
  watchDependencies(state, task);
  place(state, task, at);
  wakeWaiters(state, task.id, at);
}

export function dependenciesOf(task: Task): ReadonlySet<TaskId> {
  return new Set([...task.spec.after, ...task.spec.after_any]);
}

/** Puts a queued task where it belongs at time `at`. */
export function place(state: State, task: Task, at: number): void {
  const { schedule } = state;
  if (task.life.status !== "queued" || task.paused || schedule.unmet.has(task.id)) return;
  const { notBefore } = task.life;
  if (notBefore !== null && !isDue(task, at))
    heapPush(schedule.timers, { rank: notBefore, order: task.order, key: task.id });
  else
    heapPush(isInstant(task.spec) ? schedule.instants : schedule.ordinary, {
      rank: rankOf(task),
      order: task.order,
      key: task.id,
    });
}

/**
 * May the queued task go, as far as time is concerned? A wait of some length (a backoff, a delay) is
 * over as well when the clock shows a time before it began: the clock was set back, nobody knows how
 * long the wait has lasted, and by the clock it could take years.
 */
export function isDue({ life, spec }: Task, at: number): boolean {
  if (life.status !== "queued" || life.notBefore === null || life.notBefore <= at) return true;
  const hasLength = life.backoff || (spec.not_before !== null && "delay_ms" in spec.not_before);
  return hasLength && at < life.since;
}

/** A task is final: those that come after it may be free to go. */
export function settleDependents(state: State, id: TaskId, at: number): void {
  const { dependents, unmet } = state.schedule;
  const waiting = dependents.get(id);
  if (waiting === undefined) return;
  dependents.delete(id);
  for (const waiter of waiting) {
    const left = (unmet.get(waiter) ?? 1) - 1;
    if (left > 0) {
      unmet.set(waiter, left);
      continue;
    }
    unmet.delete(waiter);
    const task = state.tasks.get(waiter);
    if (task !== undefined) place(state, task, at);
  }
}

/** The task does not wait for claims any more: it started, or it was cancelled or paused. */
export function leaveBlocked(state: State, id: TaskId): void {
  const blocked = state.schedule.blocked.get(id);
  if (blocked === undefined) return;
  state.schedule.blocked.delete(id);
  for (const by of blocked.by) state.schedule.waiters.get(by)?.delete(id);
}

export function block(state: State, task: Task, blocked: Blocked, at: number): void {
  const { schedule } = state;
  const { by, why, holding } = blocked;
  const waiter = { by, why, holding, rank: rankOf(task), order: task.order };
  schedule.blocked.set(task.id, waiter);
  for (const other of by) {
    const waiters = schedule.waiters.get(other);
    if (waiters === undefined) schedule.waiters.set(other, new Set([task.id]));
    else waiters.add(task.id);
  }
  if (!schedule.fairness.has(task.id)) schedule.fairness.set(task.id, { since: at, overtaken: 0 });
}

/** Something about `id` changed that others wait for: they are looked at again. */
export function wakeWaiters(state: State, id: TaskId, at: number): void {
  const waiting = state.schedule.waiters.get(id);
  if (waiting === undefined) return;
  state.schedule.waiters.delete(id);
  for (const waiter of waiting) {
    leaveBlocked(state, waiter);
    const task = state.tasks.get(waiter);
    if (task !== undefined) place(state, task, at);
  }
}

/** What may be had has changed: everybody who waits for claims is looked at again. */
export function wakeEverybody(state: State, at: number): void {
  for (const id of state.schedule.waiters.keys()) wakeWaiters(state, id, at);
}

/** The attempt holds its claims from now on. */
export function hold(state: State, task: Task): void {
  if (claimsNothing(task)) return;
  const holding = compileHolding(holdingOf(task));
  state.schedule.holders.set(task.id, holding);
  for (const [resource, count] of holding.resources)
    state.schedule.resourcesHeld.set(
      resource,
      (state.schedule.resourcesHeld.get(resource) ?? 0) + count,
    );
}

/** Until it has landed it also holds what it touched: nobody starts on a base without that. */
export function holdTouched(state: State, task: Task): void {
  if (!claimsNothing(task)) state.schedule.holders.set(task.id, compileHolding(holdingOf(task)));
}

export function release(state: State, id: TaskId, at: number): void {
  const holding = state.schedule.holders.get(id);
  if (holding !== undefined) {
    state.schedule.holders.delete(id);
    for (const [resource, count] of holding.resources)
      state.schedule.resourcesHeld.set(
        resource,
        (state.schedule.resourcesHeld.get(resource) ?? 0) - count,
      );
  }
  wakeWaiters(state, id, at);
}

/** What stands in the way of this task's claims right now, and which waiters it would pass. */
export function obstacle(
  state: State,
  task: Task,
  holding: CompiledHolding,
  at: number,
): { readonly blocked: Blocked | null; readonly overtook: readonly TaskId[] } {
  const blocked = heldByOthers(state, holding);
  return blocked === null ? passWaiters(state, task, holding, at) : { blocked, overtook: [] };
}

/** Who holds what these claims ask for. */
export function heldByOthers(state: State, holding: CompiledHolding): Blocked | null {
  for (const [by, theirs] of state.schedule.holders) {
    const conflict = claimConflict(holding, theirs);
    if (conflict !== null) return { by: [by], why: { kind: "claim", ...conflict }, holding };
  }
  const lacking = lackingResource(state, holding);
  return lacking === null ? null : { ...lacking, holding };
}

function passWaiters(
  state: State,
  task: Task,
  holding: CompiledHolding,
  at: number,
): { readonly blocked: Blocked | null; readonly overtook: readonly TaskId[] } {
  const overtook: TaskId[] = [];
  const rank = rankOf(task);
  for (const [by, waiter] of state.schedule.blocked) {
    if (waiter.rank > rank || (waiter.rank === rank && waiter.order > task.order)) continue;
    const why = meeting(holding, waiter.holding);
    if (why === null) continue;
    const fairness = state.schedule.fairness.get(by);
    const patient =
      fairness !== undefined &&
      fairness.overtaken < overtakenMax &&
      at - fairness.since < state.settings.fairnessWindowMs;
    if (!patient) return { blocked: { by: [by], why, holding }, overtook: [] };
    overtook.push(by);
  }
  return { blocked: null, overtook };
}

function meeting(mine: CompiledHolding, theirs: CompiledHolding): BlockedWhy | null {
  const conflict = claimConflict(mine, theirs);
  if (conflict !== null) return { kind: "claim", ...conflict };
  for (const resource of mine.resources.keys())
    if (theirs.resources.has(resource)) return { kind: "resource", resource };
  return null;
}

function lackingResource(
  state: State,
  holding: CompiledHolding,
): { by: Blocked["by"]; why: BlockedWhy } | null {
  for (const [resource, count] of holding.resources) {
    const free =
      (state.settings.resources[resource] ?? 1) - (state.schedule.resourcesHeld.get(resource) ?? 0);
    if (count <= free) continue;
    const [first, ...others] = holdersOf(state, resource);
    if (first !== undefined) return { by: [first, ...others], why: { kind: "resource", resource } };
  }
  return null;
}

export function holdersOf(state: State, resource: string): TaskId[] {
  const holders: TaskId[] = [];
  for (const [id, holding] of state.schedule.holders)
    if (holding.resources.has(resource)) holders.push(id);
  return holders;
}

/** Forgets the index; `rebuildSchedule` makes it again. */
export function resetSchedule(state: State): void {
  state.schedule = makeSchedule();
}

/** Makes the index anew from the tasks: after recovery. */
export function rebuildSchedule(state: State, at: number): void {
  const inOrder = [...state.tasks.values()].toSorted((a, b) => a.order - b.order);
  for (const task of inOrder) {
    if (holdsClaims(task.life)) hold(state, task);
    if (task.life.status !== "queued") continue;
    watchDependencies(state, task);
    place(state, task, at);
  }
}
