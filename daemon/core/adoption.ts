import { claimsNothing, holdingOf } from "./holding.ts";
import { currentAttempt, isInstant, isPaused } from "./state.ts";
import { compileHolding } from "./claims.ts";
import { heldAgainst } from "./claimTable.ts";
import { runOf } from "./chainEnds.ts";
import { unreachable } from "./unreachable.ts";
import type { Apply } from "./decide.ts";
import type { AttemptKey } from "../../ipc/workerMessages.ts";
import type { Command } from "./commands.ts";
import type { State, Task } from "./state.ts";
import type { WorkerId } from "../../ipc/ids.ts";

/**
 * A worker dials in and says what it holds: what it runs, and outcomes that nobody acknowledged yet.
 * The journal decides what becomes of each:
 *
 *     open, on this worker          it goes on
 *     ended, or its task is over    nothing: the worker reports it again and is told to forget it
 *     open, on another worker       fenced: only one of two workers can have an attempt
 *     never recorded, task waits    adopted, if the task could start on this worker right now
 *     never recorded, else          fenced
 *     a gate run that was dropped   fenced
 *
 * An attempt can be missing only where the disk lost what it had said to be synced, or an older copy
 * of the journal was put back. Fenced means: told to end; what it did is saved like anything else.
 * What the worker lacks is sent to it again (react.ts). docs/operating/crash-safety.md has the whole table.
 */
export function decideWorkerReady(
  state: State,
  { worker, holding }: Extract<Command, { type: "workerReady" }>,
  apply: Apply,
): void {
  apply({ type: "WorkerReady", worker, holding: holding.map(({ fence }) => fence) });
  for (const { task, attempt, fence } of holding) {
    const key = { task, attempt, fence };
    const standing = standingOf(state, worker, key);
    switch (standing) {
      case "counts":
        break;
      case "adoptable":
        apply({ type: "AttemptAdopted", worker, ...key });
        break;
      case "elsewhere":
      case "closed":
      case "unknown":
        apply({ type: "AttemptFenced", worker, ...key, because: standing });
        break;
      default:
        unreachable(standing);
    }
  }
}

/** The attempt that this worker may report on: open, granted to it and to nobody else. */
export function isOpenAttempt(task: Task, worker: WorkerId, key: AttemptKey): boolean {
  const { life } = task;
  return (
    life.status === "running" &&
    life.fence === key.fence &&
    life.worker === worker &&
    currentAttempt(task)?.number === key.attempt
  );
}

type Standing = "counts" | "adoptable" | "elsewhere" | "closed" | "unknown";

function standingOf(state: State, worker: WorkerId, key: AttemptKey): Standing {
  const task = state.tasks.get(key.task);
  if (state.workers.get(worker)?.slot === null)
    return task !== undefined && isOpenGate(task, key) ? "counts" : "closed";
  if (task === undefined) return state.finals.has(key.task) ? "counts" : "unknown";
  if (isOpenAttempt(task, worker, key)) return "counts";
  const known = task.attempts.find(
    ({ fence, number }) => fence === key.fence && number === key.attempt,
  );
  if (known !== undefined) return known.result === null ? "elsewhere" : "counts";
  return couldStart(state, task, worker, key) ? "adoptable" : "unknown";
}

function isOpenGate({ life }: Task, { fence }: AttemptKey): boolean {
  return life.status === "landing" && runOf(life.step) === fence;
}

/** As the scheduler would start it, on a worker that has nothing else, and as the next of its attempts. */
function couldStart(state: State, task: Task, id: WorkerId, { attempt }: AttemptKey): boolean {
  const worker = state.workers.get(id);
  if (worker === undefined || worker.slot === null) return false;
  const isFree = worker.held.size === (isInstant(task.spec) ? worker.instants : 0);
  const waits =
    task.life.status === "queued" && !isPaused(state, task) && !state.schedule.unmet.has(task.id);
  return (
    isFree &&
    waits &&
    attempt === (currentAttempt(task)?.number ?? 0) + 1 &&
    (claimsNothing(task) ||
      heldAgainst(state.schedule.table, compileHolding(holdingOf(task))) === null)
  );
}
