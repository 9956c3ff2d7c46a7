import { emptyState } from "./core/emptyState.ts";
import { evolve } from "./core/evolve.ts";
import { rebuildSchedule, resetSchedule } from "./core/scheduleIndex.ts";
import { restore } from "./core/snapshot.ts";
import { upcast } from "./core/upcast.ts";
import type { Journal } from "./journal/journal.ts";
import type { Recorded } from "./core/events.ts";
import type { Recovered, StoredRow } from "./journal/records.ts";
import type { SavedFinal, StateRow } from "./core/snapshot.ts";
import type { State, StoredTask } from "./core/state.ts";
import type { TaskId } from "../ipc/ids.ts";

/** The state that the journal tells: its snapshot, and every event since. Emits nothing. */
export function recoverState(
  recovered: Recovered,
  at: number,
): { readonly state: State; readonly replayed: readonly Recorded[] } {
  const { snapshot, live, final, events } = recovered;
  const row = snapshot === null ? null : (JSON.parse(snapshot.state) as StateRow);
  const tasks = live.map(({ body }) => JSON.parse(body) as StoredTask);
  const state = row === null ? emptyState() : restore(row, tasks, final as SavedFinal[], at);
  const replayed = events.map((stored) => recordedOf(stored));
  for (const recorded of replayed) evolve(state, recorded);
  // Times in the events are old: the index is made anew for the present.
  if (replayed.length > 0) {
    resetSchedule(state);
    rebuildSchedule(state, at);
  }
  return { state, replayed };
}

/** A task as the journal has it, whether it is in memory or not; `null`: it has none, or cannot be read. */
export async function storedTask(journal: Journal, id: TaskId): Promise<StoredTask | null> {
  const read = await journal.readTask(id);
  if (!read.ok || read.value.body === null) return null;
  return JSON.parse(read.value.body) as StoredTask;
}

export function recordedOf({ seq, at, type, version, body }: StoredRow): Recorded {
  return { seq, at, event: upcast(type, version, JSON.parse(body) as Record<string, unknown>) };
}
