import { isInstant } from "./state.ts";
import type { State, Task, WorkerState } from "./state.ts";
import type { WorkerId } from "../../ipc/ids.ts";

/** What it held before this connection is known from the tasks that run on it. */
export function workerReady(state: State, id: WorkerId, at: number): void {
  const worker: WorkerState = { id, slot: slotOf(id), since: at, held: new Set(), instants: 0 };
  for (const task of state.tasks.values())
    if (task.life.status === "running" && task.life.worker === id) takeUp(worker, task);
  state.workers.set(id, worker);
}

/** The worker holds the attempt from now on. */
export function takeUp(worker: WorkerState, task: Task): void {
  worker.held.add(task.id);
  if (isInstant(task.spec)) worker.instants += 1;
}

export function give(worker: WorkerState, task: Task): void {
  if (worker.held.delete(task.id) && isInstant(task.spec)) worker.instants -= 1;
}

function slotOf(id: WorkerId): number | null {
  const [role, slot] = id.split("-");
  return role === "worker" ? Number(slot) : null;
}
