import { block, endPatience, lookAtHold } from "./claimWaits.ts";
import { cancelTasks } from "./changes.ts";
import { claimConflict, compileHolding } from "./claims.ts";
import { heapPop } from "./heap.ts";
import { holdingOfHold } from "./holding.ts";
import { holdsClaims, isHold } from "./state.ts";
import { holdsMax } from "./limits.ts";
import { rejection } from "./failures.ts";
import { rankTimeNow } from "./rank.ts";
import { whoStops } from "./claimTable.ts";
import type { Apply } from "./decide.ts";
import type { Command, Decision } from "./commands.ts";
import type { Event } from "./events.ts";
import type { Hold, State } from "./state.ts";
import type { HolderId, HoldId, TaskId } from "../../ipc/ids.ts";

type LockRequest = Extract<Command, { type: "lock" }>["request"];

/**
 * Claims of others than tasks: `orchd lock`, and foreign claims. A lock waits its turn in the same
 * lines as the tasks do and is never passed more often than they are; it needs no worker, and a pause
 * does not stop it.
 */
export function requestLock(
  state: State,
  { request, wait }: Extract<Command, { type: "lock" }>,
  at: number,
  apply: Apply,
): Decision {
  const { id, claims, owner, note } = request;
  const known = state.holds.get(id);
  // Its claims may be spelled in another way by the time it is asked again.
  if (known !== undefined && JSON.stringify(known.owner) !== JSON.stringify(owner))
    return rejection("id_taken", `${id} is held or waited for by another process`);
  if (known !== undefined)
    return { ok: true, answer: { of: "hold", hold: id, fence: known.granted?.fence ?? null } };
  const refused = impossible(state, claims.resources) ?? tooMany(state);
  if (refused !== null) return refused;
  const stopped = wait ? null : whatStops(state, request, at);
  if (stopped !== null) return rejection("busy", stopped);
  apply({ type: "HoldRequested", hold: id, kind: "lock", claims, owner, note });
  if (!wait) grantHolds(state, at, apply);
  const fence = state.holds.get(id)?.granted?.fence ?? null;
  return { ok: true, answer: { of: "hold", hold: id, fence } };
}

/** Without effect when it has ended already. */
export function endHold(
  state: State,
  { hold, because }: Extract<Command, { type: "unlock" }>,
  apply: Apply,
): void {
  const one = state.holds.get(hold);
  if (one === undefined) return;
  const broken = one.broken && because !== "released" && because !== "withdrawn";
  apply({ type: "HoldEnded", hold, because: broken ? "broken" : because });
}

/** Decided here, so that it cannot be granted in the same moment to somebody who is told that it is not. */
export function giveUpWaiting(state: State, hold: HoldId, apply: Apply): Decision {
  const one = state.holds.get(hold);
  const goesOn = one !== undefined && one.granted !== null;
  if (one?.granted === null)
    apply({ type: "HoldEnded", hold, because: one.broken ? "broken" : "owner_hung" });
  return { ok: true, answer: { of: "givenUp", goesOn } };
}

/** A file that says something else now is another claim. */
export function noticeForeign(
  state: State,
  command: Extract<Command, { type: "foreignClaim" }>,
  apply: Apply,
): void {
  const { hold, claims, owner, note } = command;
  const known = state.holds.get(hold);
  if (known !== undefined) {
    if (JSON.stringify([known.claims, known.owner]) === JSON.stringify([claims, owner])) return;
    apply({ type: "HoldEnded", hold, because: "withdrawn" });
  }
  apply({ type: "HoldRequested", hold, kind: "foreign", claims, owner, note });
}

/** All of them or none: each must hold something (or, if a hold, wait for it). */
export function breakLocks(state: State, holders: readonly HolderId[], apply: Apply): Decision {
  const idle = holders.find((id) => !holdsSomething(state, id));
  if (idle !== undefined) return rejection("not_found", `${idle} holds no lock`);
  const tasks: TaskId[] = [];
  for (const holder of new Set(holders)) {
    if (isHold(holder) && state.holds.get(holder)?.broken === true) continue;
    apply({ type: "LockBroken", holder });
    if (!isHold(holder)) tasks.push(holder);
  }
  cancelTasks(state, tasks, apply);
  return { ok: true, answer: { of: "broken", holders } };
}

/** Grants what can be granted, in order. */
export function grantHolds(state: State, at: number, apply: (event: Event) => void): void {
  const { asking, blocked } = state.schedule;
  if (asking.entries.length === 0) return;
  endPatience(state, at);
  for (let entry = heapPop(asking); entry !== undefined; entry = heapPop(asking)) {
    const one = state.holds.get(entry.key);
    if (one === undefined || one.granted !== null || blocked.has(one.id)) continue;
    const look = lookAtHold(state, one);
    if (look.free) apply({ type: "HoldGranted", hold: one.id, overtook: look.overtook });
    else block(state, look, at);
  }
}

function holdsSomething(state: State, id: HolderId): boolean {
  if (isHold(id)) return state.holds.has(id);
  const task = state.tasks.get(id);
  return task !== undefined && holdsClaims(task.life);
}

function impossible(state: State, resources: Hold["claims"]["resources"]): Decision | null {
  const message = tooMuchOf(state, new Map(Object.entries(resources)));
  return message === null ? null : rejection("refused", message);
}

/** Of what resource it asks for more than there is, in words; `null`: of none. */
export function tooMuchOf(state: State, resources: ReadonlyMap<string, number>): string | null {
  for (const [resource, count] of resources) {
    const capacity = state.settings.resources[resource] ?? 1;
    if (count > capacity) return `it asks for ${count} of ${resource}, and there is ${capacity}`;
  }
  return null;
}

function tooMany(state: State): Decision | null {
  if (state.holds.size < holdsMax) return null;
  return rejection("limit", `${holdsMax} locks are held or waited for already`);
}

/** Who is in the way, in words; `null` when nobody is. */
function whatStops(
  state: State,
  { id, claims, owner, note }: LockRequest,
  at: number,
): string | null {
  endPatience(state, at);
  const one: Hold = {
    id,
    kind: "lock",
    claims,
    owner,
    note,
    order: state.seq + 1,
    requestedAt: at,
    rankedAt: rankTimeNow(state, at),
    granted: null,
    broken: false,
  };
  const look = lookAtHold(state, one);
  if (look.free) return null;
  const by = whoStops(look.hindrance, look.party);
  const { resource } = look.hindrance.spot;
  if (by === null) return "it is not free";
  if (resource !== null) return `${resource} is used by ${by.id}`;
  const conflict = claimConflict(compileHolding(holdingOfHold(one)), by.holding);
  const verb = state.schedule.holders.has(by.id) ? "is held" : "is waited for";
  return `${conflict?.theirs ?? "what it needs"} ${verb} by ${by.id}`;
}
