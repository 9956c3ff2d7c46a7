import { claimsNothing, holdingOf } from "./holding.ts";
import { pausedLabelOf } from "./state.ts";
import { claimConflict, compileHolding } from "./claims.ts";
import { dependenciesOf, isDue } from "./queue.ts";
import { heldAgainst, holdersOfResource, whoStops } from "./claimTable.ts";
import { rankAndOrder } from "./rank.ts";
import type { CompiledHolding } from "./claims.ts";
import type { Hindrance } from "./claimTable.ts";
import type { Rank } from "./rank.ts";
import type { Shortage } from "../../ipc/shortage.ts";
import type { State, Task } from "./state.ts";
import type { WaitReason } from "../../ipc/taskViews.ts";

/** Why a queued task does not run, the most lasting reason first; `null` when it does not wait. */
export function whyWaiting(
  state: State,
  task: Task,
  at: number,
  shortage: Shortage | null = null,
): WaitReason | null {
  return whyWaitingWithin(state, task, at, { left: 1 }, shortage) ?? null;
}

/** Looks among all that is held that may still be made; each takes microseconds, but tasks are many. */
export type Searches = { left: number };

/** The same; `undefined` when that would take one search more than are left. */
export function whyWaitingWithin(
  state: State,
  task: Task,
  at: number,
  searches: Searches,
  shortage: Shortage | null = null,
): WaitReason | null | undefined {
  const { life } = task;
  if (life.status !== "queued") return null;
  if (task.paused) return { on: "paused", all: false };
  const label = pausedLabelOf(state, task.spec);
  if (label !== null) return { on: "paused", all: false, label };
  const open = [...dependenciesOf(task)].filter((id) => !state.finals.has(id));
  if (open.length > 0) return { on: "after", tasks: open };
  if (life.notBefore !== null && !isDue(task, at))
    return { on: "time", until: life.notBefore, backoff: life.backoff };
  if (state.paused) return { on: "paused", all: true };
  const claims = waitsForClaims(state, task, searches);
  if (claims !== null) return claims;
  return shortage === null ? waitsForPlace(state) : { on: "disk", ...shortage };
}

/** One that has not been looked at since the last place was taken waits for what is held, or for a place. */
function waitsForClaims(
  state: State,
  task: Task,
  searches: Searches,
): WaitReason | null | undefined {
  const { blocked, table } = state.schedule;
  const stopped = blocked.get(task.id);
  const bunch = stopped?.line?.bunch;
  if (stopped !== undefined && bunch !== undefined) {
    const reason = claimReason(state, stopped, stopped.holding, bunch);
    if (reason !== null) return reason;
  }
  if (claimsNothing(task)) return null;
  if (searches.left === 0) return undefined;
  searches.left -= 1;
  const holding = stopped?.holding ?? compileHolding(holdingOf(task));
  const hindrance = heldAgainst(table, holding);
  return hindrance === null ? null : claimReason(state, rankAndOrder(task), holding, hindrance);
}

function claimReason(
  state: State,
  who: Rank,
  holding: CompiledHolding,
  hindrance: Hindrance,
): WaitReason | null {
  const by = whoStops(hindrance, who);
  if (by === null) return null;
  const { resource } = hindrance.spot;
  if (resource !== null)
    return { on: "resource", resource, holders: holdersOfResource(state.schedule.table, resource) };
  const conflict = claimConflict(holding, by.holding);
  if (conflict === null) return null;
  return { on: "claim", claim: conflict.claim, holder: by.id, their_claim: conflict.theirs };
}

function waitsForPlace(state: State): WaitReason {
  const anyWorker = [...state.workers.keys()].some((id) => id.startsWith("worker-"));
  return anyWorker ? { on: "slot" } : { on: "workers" };
}
