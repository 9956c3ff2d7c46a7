import { claimsNothing, holdingOf } from "./state.ts";
import { compileHolding } from "./claims.ts";
import { dependenciesOf, heldByOthers, holdersOf, isDue } from "./scheduleIndex.ts";
import type { BlockedWhy } from "./scheduleIndex.ts";
import type { State, Task } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { WaitReason } from "../../ipc/methods.ts";

/** Why a queued task does not run, the most lasting reason first; `null` when it does not wait. */
export function whyWaiting(state: State, task: Task, at: number): WaitReason | null {
  const { life } = task;
  if (life.status !== "queued") return null;
  if (task.paused) return { on: "paused", all: false };
  const open = [...dependenciesOf(task)].filter((id) => !state.finals.has(id));
  if (open.length > 0) return { on: "after", tasks: open };
  if (life.notBefore !== null && !isDue(task, at))
    return { on: "time", until: life.notBefore, backoff: life.backoff };
  if (state.paused) return { on: "paused", all: true };
  return waitsForClaims(state, task) ?? waitsForPlace(state);
}

/** One that has not been looked at since the last place was taken waits for what is held, or for a place. */
function waitsForClaims(state: State, task: Task): WaitReason | null {
  const known = state.schedule.blocked.get(task.id);
  if (known !== undefined) return claimReason(state, known.by[0], known.why);
  if (claimsNothing(task)) return null;
  const blocked = heldByOthers(state, compileHolding(holdingOf(task)));
  return blocked === null ? null : claimReason(state, blocked.by[0], blocked.why);
}

function claimReason(state: State, by: TaskId, why: BlockedWhy): WaitReason {
  if (why.kind === "claim")
    return { on: "claim", claim: why.claim, task: by, their_claim: why.theirs };
  return { on: "resource", resource: why.resource, tasks: holdersOf(state, why.resource) };
}

function waitsForPlace(state: State): WaitReason {
  const anyWorker = [...state.workers.keys()].some((id) => id.startsWith("worker-"));
  return anyWorker ? { on: "slot" } : { on: "workers" };
}
