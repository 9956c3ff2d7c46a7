import { setImmediate as nextTurn } from "node:timers/promises";
import { FailureError, failure } from "../../../ipc/errors.ts";
import { compileHolding, conflictExample } from "../../core/claims.ts";
import { conflictsListedMax } from "../../../ipc/claimViews.ts";
import { findNothing, findStopping, findWaiting, partsOf } from "../../core/claimCheck.ts";
import { isHold } from "../../core/state.ts";
import { rankOfAsking } from "../../core/rank.ts";
import { record } from "../params.ts";
import { tooMuchOf } from "../../core/holds.ts";
import type { ClaimConflictView } from "../../../ipc/claimViews.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ClaimSet } from "../../../ipc/taskSpec.ts";
import type { CompiledHolding } from "../../core/claims.ts";
import type { FoundConflict } from "../../core/claimCheck.ts";
import type { ServerContext } from "../context.ts";
import type { State } from "../../core/state.ts";

/** Globs, with their braces written out, looked up before others get their turn in the event loop. */
const globsPerTurn = 16;

/** Each part of the claims sees the state of its moment: nobody waits while all of them are looked up. */
export async function check(
  params: unknown,
  context: ServerContext,
): Promise<Methods["check"]["result"]> {
  const claims = await claimsOf(record(params)["claims"], context);
  const declared = claims ?? { writes: [], reads: [], resources: {} };
  const parts = partsOf(compileHolding({ ...declared, optimistic: claims === null }), globsPerTurn);
  const who = await context.read((state) => rankOfAsking(state, context.wallMs()));
  const found = findNothing(conflictsListedMax);
  await lookAtEach(parts, context, (state, part) => {
    const refused = tooMuchOf(state, part.resources);
    if (refused !== null) throw new FailureError(failure("refused", refused));
    findStopping(state.schedule.table, part, who, found);
  });
  const free = found.conflicts.size === 0;
  await lookAtEach(parts, context, (state, part) => findWaiting(state.schedule.table, part, found));
  const { more } = found;
  return { free, conflicts: await conflictViews([...found.conflicts.values()], context), more };
}

async function claimsOf(value: unknown, context: ServerContext): Promise<ClaimSet | null> {
  if (value === null) return null;
  const { checkClaims } = await import("../../../ipc/holdCheck.ts");
  const checked = checkClaims(value);
  if (!checked.ok) throw new FailureError(checked.failure);
  return await context.holds.completeClaims(checked.value);
}

async function lookAtEach(
  parts: readonly CompiledHolding[],
  context: ServerContext,
  look: (state: State, part: CompiledHolding) => void,
): Promise<void> {
  for (const part of parts) {
    await context.read((state) => look(state, part));
    await nextTurn();
  }
}

/** An example is made letter by letter, so not all of them in one turn. */
async function conflictViews(
  found: readonly FoundConflict[],
  context: ServerContext,
): Promise<ClaimConflictView[]> {
  const views: ClaimConflictView[] = [];
  for (const one of found) {
    const view = await context.read((state) => conflictView(state, one));
    if (view !== null) views.push(view);
    await nextTurn();
  }
  return views;
}

/** `null` for a hold that has ended meanwhile. */
function conflictView(
  state: State,
  { holder, standing, on }: FoundConflict,
): ClaimConflictView | null {
  const kind = isHold(holder) ? state.holds.get(holder)?.kind : "task";
  if (kind === undefined) return null;
  if (on.kind === "resource") return { holder, kind, standing, on };
  const { claim, theirs } = on;
  const example = conflictExample({ claim, theirs });
  return { holder, kind, standing, on: { kind: "claims", claim, their_claim: theirs, example } };
}
