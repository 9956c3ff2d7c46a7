import { askAgain, hold, holdFor } from "./claimWaits.ts";
import { holdsClaims } from "./state.ts";
import { makeClaimTable } from "./claimTable.ts";
import { makeHeap } from "./heap.ts";
import { place, watchDependencies } from "./queue.ts";
import type { ClaimTable } from "./claimTable.ts";
import type { Heap } from "./heap.ts";
import type { Lines } from "./waitingLines.ts";
import type { Party } from "./claimSpot.ts";
import type { State } from "./state.ts";
import type { HolderId, HoldId, TaskId } from "../../ipc/ids.ts";

/**
 * Who could start next, kept beside the state so that a decision does not look at every task.
 *
 * A queued task is in exactly one place:
 *   unmet      waits for tasks it comes after; moves on when the last of them is final
 *   timers     waits for a time
 *   ready      could start as far as it is concerned (`instants` or `ordinary` heap)
 *   blocked    its claims meet a holder's, or an earlier waiter's that may not be overtaken any more;
 *              looked at again when nothing of that is left at the spot where it was stopped, and
 *              nobody earlier is stopped there (`waitingLines.ts`)
 *   nowhere    paused; `resume` puts it back
 *
 * Heap entries are not removed when a task leaves: whoever pops one checks that it still counts.
 */
export type Schedule = {
  readonly ordinary: Heap<TaskId>;
  readonly instants: Heap<TaskId>;
  readonly timers: Heap<TaskId>;
  /** Holds that wait and may be free to go. */
  readonly asking: Heap<HoldId>;
  /** When `timers` was looked at last. */
  timersAt: number;
  readonly unmet: Map<TaskId, number>;
  /** Queued tasks by what they come after; a final task keeps its entry until they have moved on. */
  readonly dependents: Map<TaskId, Set<TaskId>>;
  readonly table: ClaimTable;
  /** Who holds claims, and who waits for them; of those, who is stopped and not to be looked at. */
  readonly holders: Map<HolderId, Party>;
  readonly waiters: Map<HolderId, Party>;
  readonly blocked: Map<HolderId, Party>;
  readonly lines: Lines;
  /** Found free to go, and about to start: its claims are compiled already. */
  looked: Party | null;
  readonly fairness: Map<HolderId, Fairness>;
  /** Waiters by when they began to wait. */
  readonly patience: Heap<HolderId>;
};

/** How long somebody has waited for claims, and how often later ones passed it meanwhile. */
export type Fairness = { readonly since: number; overtaken: number };

export function makeSchedule(): Schedule {
  return {
    ordinary: makeHeap(),
    instants: makeHeap(),
    timers: makeHeap(),
    asking: makeHeap(),
    timersAt: 0,
    unmet: new Map(),
    dependents: new Map(),
    table: makeClaimTable(),
    holders: new Map(),
    waiters: new Map(),
    blocked: new Map(),
    lines: new Map(),
    looked: null,
    fairness: new Map(),
    patience: makeHeap(),
  };
}

/** Forgets the index; `rebuildSchedule` makes it again. */
export function resetSchedule(state: State): void {
  state.schedule = makeSchedule();
}

/** Makes the index anew from the tasks: after recovery. */
export function rebuildSchedule(state: State, at: number): void {
  state.schedule.table.capacities = state.settings.resources;
  const inOrder = [...state.tasks.values()].toSorted((a, b) => a.order - b.order);
  for (const task of inOrder) {
    if (holdsClaims(task.life)) hold(state, task);
    if (task.life.status !== "queued") continue;
    watchDependencies(state, task);
    place(state, task, at);
  }
  for (const one of state.holds.values())
    if (one.granted === null) askAgain(state, one);
    else holdFor(state, one);
}
