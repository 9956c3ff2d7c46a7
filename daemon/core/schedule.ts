import { block, endPatience, lookAtClaims, sendBack } from "./claimWaits.ts";
import { claimsNothing } from "./holding.ts";
import { isInstant, isPaused } from "./state.ts";
import { comesBefore, heapPeek, heapPop } from "./heap.ts";
import { instantsHeldMax } from "./limits.ts";
import { isReady, place } from "./queue.ts";
import type { Event } from "./events.ts";
import type { Entry, Heap } from "./heap.ts";
import type { State, Task, WorkerState } from "./state.ts";
import type { TaskId, WorkerId } from "../../ipc/ids.ts";

/**
 * Starts every task that can start now, best first, and says so through `apply`, which changes the
 * state before it returns. Work-conserving: it stops only when no place is free or nothing is ready.
 *
 * An ordinary task takes a whole worker. Instant tasks share workers, up to `instantsHeldMax` each,
 * but not while an ordinary task that comes before them waits for a worker to become free.
 */
export function scheduleTasks(state: State, at: number, apply: (event: Event) => void): void {
  releaseTimers(state, at);
  if (state.paused) return;
  endPatience(state, at);
  for (;;) {
    const places = freePlaces(state);
    if (places.idle === null && places.shared === null) return;
    const task = takeNext(state, places, at);
    if (task === null) return;
    const worker = isInstant(task.spec) ? (places.shared ?? places.idle) : places.idle;
    if (worker === null) return;
    startOrBlock(state, task, worker, at, apply);
  }
}

/** When the next queued task that waits for a time may go; `null` without one. */
export function nextTimer(state: State): number | null {
  return heapPeek(state.schedule.timers)?.rank ?? null;
}

function startOrBlock(
  state: State,
  task: Task,
  worker: WorkerId,
  at: number,
  apply: (event: Event) => void,
): void {
  if (claimsNothing(task)) {
    apply({ type: "AttemptStarted", task: task.id, worker, overtook: [] });
    return;
  }
  const look = lookAtClaims(state, task);
  if (look.free) apply({ type: "AttemptStarted", task: task.id, worker, overtook: look.overtook });
  else block(state, look, at);
}

function releaseTimers(state: State, at: number): void {
  const { schedule } = state;
  const { timers } = schedule;
  const setBack = at < schedule.timersAt;
  schedule.timersAt = at;
  if (setBack) return placeAgain(state, timers.entries.splice(0), at);
  for (let due = heapPeek(timers); due !== undefined && due.rank <= at; due = heapPeek(timers)) {
    heapPop(timers);
    placeAgain(state, [due], at);
  }
}

function placeAgain(state: State, timers: readonly Entry<TaskId>[], at: number): void {
  for (const { key, rank } of timers) {
    const task = state.tasks.get(key);
    if (task?.life.status === "queued" && task.life.notBefore === rank) place(state, task, at);
  }
}

type Places = { readonly idle: WorkerId | null; readonly shared: WorkerId | null };

/** A worker that holds nothing, and the least loaded one that could take an instant task. */
function freePlaces(state: State): Places {
  let idle: WorkerId | null = null;
  let shared: WorkerState | null = null;
  for (const worker of state.workers.values()) {
    if (!takesTasks(state, worker)) continue;
    if (worker.held.size === 0) idle ??= worker.id;
    const onlyInstants = worker.held.size === worker.instants;
    if (onlyInstants && worker.instants < instantsHeldMax)
      if (shared === null || worker.instants < shared.instants) shared = worker;
  }
  return { idle, shared: shared?.id ?? null };
}

/** Gate workers run gates only; a slot beyond the configured number takes nothing new. */
function takesTasks(state: State, { slot }: WorkerState): boolean {
  return slot !== null && slot <= state.settings.slots;
}

function takeNext(state: State, places: Places, at: number): Task | null {
  const ordinary = firstValid(state, state.schedule.ordinary, at);
  const instant = firstValid(state, state.schedule.instants, at);
  if (ordinary !== null && (instant === null || ordinaryFirst(state))) {
    if (places.idle === null) return null;
    heapPop(state.schedule.ordinary);
    return ordinary;
  }
  if (instant === null) return null;
  heapPop(state.schedule.instants);
  return instant;
}

function ordinaryFirst(state: State): boolean {
  return comesBefore(heapPeek(state.schedule.ordinary), heapPeek(state.schedule.instants));
}

/** Drops entries of tasks that have moved on, and returns the first that can go. */
function firstValid(state: State, heap: Heap<TaskId>, at: number): Task | null {
  for (let entry = heapPeek(heap); entry !== undefined; entry = heapPeek(heap)) {
    const task = state.tasks.get(entry.key);
    const listed = task !== undefined && isListed(state, task);
    if (listed && isReady(state, task, at)) return task;
    heapPop(heap);
    if (listed) sendBack(state, task, at);
  }
  return null;
}

/** Does an entry of this task still count? */
function isListed(state: State, task: Task): boolean {
  return (
    task.life.status === "queued" &&
    !isPaused(state, task) &&
    !state.schedule.unmet.has(task.id) &&
    !state.schedule.blocked.has(task.id)
  );
}
