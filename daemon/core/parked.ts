import type { Oid } from "../../ipc/ids.ts";
import type { Task } from "./state.ts";

/** Work that did not merge. `ours`: absent where an earlier version kept only the work. */
export type Parked = {
  readonly ref: string;
  readonly paths: readonly string[];
  /** How many; absent: as many as are named. */
  readonly paths_total?: number;
  readonly ours?: Oid;
};

/** Work of a task that has ended and waits for a person; `null`: there is none. */
export function parkedOf(task: Task): Parked | null {
  const { life, parked } = task;
  if (life.status === "failed" && life.reason.kind === "conflict") {
    const { kind: _, ...met } = life.reason;
    return met;
  }
  const ended = life.status === "failed" || life.status === "cancelled";
  return ended ? (parked ?? leftOpen(task)) : null;
}

/** The conflict that a task was to go on from when it ended for another reason, or was cancelled. */
function leftOpen({ spec, conflict, attempts }: Task): Parked | null {
  if (spec.on_conflict === undefined || conflict === undefined) return null;
  const last = attempts.at(-1);
  // One that was done has resolved it: what became of that is another matter.
  if (last?.result === "done" && last.number !== conflict.attempt) return null;
  const { base: _base, commit: _commit, attempt: _attempt, ...met } = conflict;
  return met;
}
