import { emptyState } from "./emptyState.ts";
import { takeUp } from "./workerEvents.ts";
import { FinalIndex } from "./finalIndex.ts";
import { rebuildSchedule } from "./scheduleIndex.ts";
import { restoreRow, stateRow } from "./snapshot.ts";
import type { Final, State, Task } from "./state.ts";
import type { StateRow } from "./snapshot.ts";
import type { TaskId } from "../../ipc/ids.ts";

/**
 * The state without its last batch. A batch is applied before it is durable; when the disk has no room
 * for it, it waits, perhaps for hours, and whoever looks meanwhile must see only what is durable.
 *
 *     before(state) ─► keepTask, before each event that changes a task ─► (full) withoutBatch(…)
 *
 * What is kept costs as much as the batch changes, since every batch pays for it and next to none needs it.
 */
export type Before = {
  readonly row: StateRow;
  readonly counts: State["counts"];
  /** As they were; `null` for what was not there. */
  readonly tasks: Map<TaskId, Task | null>;
  readonly finals: Map<TaskId, Final | null>;
};

export function before(state: State): Before {
  const counts = { ...state.counts };
  return { row: stateRow(state), counts, tasks: new Map(), finals: new Map() };
}

/** To be called before an event of the batch changes the task; the first call of a batch counts. */
export function keepTask({ tasks, finals }: Before, state: State, id: TaskId): void {
  if (tasks.has(id)) return;
  const task = state.tasks.get(id);
  tasks.set(id, task === undefined ? null : copyOf(task));
  finals.set(id, state.finals.get(id) ?? null);
}

/**
 * A state of its own beside `state`. Connections of workers are those of now: they are no fact of the
 * journal. Its schedule is made anew, so nobody has been stopped by anything in it yet.
 */
export function withoutBatch(state: State, kept: Before, at: number): State {
  const view: State = {
    ...emptyState(),
    tasks: overlaid(state.tasks, kept.tasks),
    finals: new FinalIndex(state.finals),
    counts: { ...kept.counts },
  };
  for (const [id, final] of kept.finals)
    if (final === null) view.finals.delete(id);
    else view.finals.set(id, final);
  restoreRow(view, kept.row);
  for (const { id, slot, since } of state.workers.values())
    view.workers.set(id, { id, slot, since, held: new Set(), instants: 0 });
  for (const task of view.tasks.values()) {
    const { life } = task;
    if (life.status === "landing" && life.step.at === "waiting") view.landing.waiting.add(task);
    const worker = life.status === "running" ? view.workers.get(life.worker) : undefined;
    if (worker !== undefined) takeUp(worker, task);
  }
  rebuildSchedule(view, at);
  return view;
}

function overlaid<Value>(
  now: ReadonlyMap<TaskId, Value>,
  then: ReadonlyMap<TaskId, Value | null>,
): Map<TaskId, Value> {
  const map = new Map(now);
  for (const [id, value] of then) {
    if (value === null) map.delete(id);
    else map.set(id, value);
  }
  return map;
}

/** As deep as `evolve` changes a task in place. */
function copyOf(task: Task): Task {
  const attempts = task.attempts.map((attempt) => ({ ...attempt }));
  return { ...task, attempts, setbacks: { ...task.setbacks } };
}
