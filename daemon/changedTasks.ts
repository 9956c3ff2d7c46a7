import { isFinal } from "./core/state.ts";
import type { SnapshotTask } from "./journal/records.ts";
import type { State, Task } from "./core/state.ts";
import type { TaskId } from "../ipc/ids.ts";

/**
 * Which tasks changed since the last snapshot, and their rows for the next one.
 *
 * A snapshot shows one moment, but writing thousands of tasks at once would hold up the event loop
 * and every append behind it. So rows are made a slice at a time, while the state goes on changing;
 * a task that is about to change and has no row yet gets it just before.
 *
 *     begin ─► slices … (meanwhile: beforeChange, noteChange) ─► end
 */
export class ChangedTasks {
  readonly #state: State;
  #changed: Set<TaskId>;
  /** Of the snapshot under way: all of its tasks, and those that have no row yet. */
  #taken = new Set<TaskId>();
  #waiting = new Set<TaskId>();
  /** Rows that were made before their turn. */
  #early: SnapshotTask[] = [];

  constructor(state: State, changed: Iterable<TaskId>) {
    this.#state = state;
    this.#changed = new Set(changed);
  }

  /** Is it in no finished snapshot as it is now? */
  has(id: TaskId): boolean {
    return this.#changed.has(id) || this.#taken.has(id);
  }

  /** To be called with every task that an event names, before the event is applied. */
  beforeChange(id: TaskId): void {
    if (this.#waiting.has(id)) this.#early.push(...this.#rowsOf(id));
  }

  /** And after it. */
  noteChange(id: TaskId): void {
    this.#changed.add(id);
  }

  begin(): Iterable<readonly SnapshotTask[]> {
    this.#taken = this.#changed;
    this.#waiting = new Set(this.#changed);
    this.#changed = new Set();
    this.#early = [];
    return this.#slices();
  }

  /** What was not written comes with the next snapshot, as it is then. */
  end({ written }: { readonly written: boolean }): void {
    if (!written) for (const id of this.#taken) this.#changed.add(id);
    this.#taken = new Set();
    this.#waiting = new Set();
    this.#early = [];
  }

  *#slices(): Generator<readonly SnapshotTask[]> {
    for (;;) {
      const slice: SnapshotTask[] = [];
      let characters = 0;
      while (slice.length < sliceTasksMax && characters < sliceCharactersMax) {
        const row = this.#nextRow();
        if (row === null) break;
        slice.push(row);
        characters += row.body.length;
      }
      if (slice.length === 0) return;
      yield slice;
    }
  }

  #nextRow(): SnapshotTask | null {
    for (;;) {
      const early = this.#early.pop();
      if (early !== undefined) return early;
      const [next] = this.#waiting;
      if (next === undefined) return null;
      this.#early.push(...this.#rowsOf(next));
    }
  }

  #rowsOf(id: TaskId): SnapshotTask[] {
    this.#waiting.delete(id);
    const task = this.#state.tasks.get(id);
    return task === undefined ? [] : [snapshotTask(task)];
  }
}

/** A slice takes the event loop and an append behind it about a millisecond each. */
export const sliceTasksMax = 64;
const sliceCharactersMax = 64 * 1024;

export function snapshotTask(task: Task): SnapshotTask {
  const final = isFinal(task.life);
  const commit = task.life.status === "succeeded" ? task.life.commit : null;
  return {
    id: task.id,
    status: task.life.status,
    digest: task.digest,
    commit,
    final,
    body: JSON.stringify(task),
  };
}
