import type { Oid } from "../../ipc/ids.ts";
import { GitError } from "../../system/git.ts";
import { unreachable } from "../../ipc/errors.ts";
import { absorbed, rewoundNow } from "./absorb.ts";
import { isAncestor, targetRef } from "./branch.ts";
import type { Held, Writer } from "./branch.ts";
import { checkoutsOf, exists } from "./checkouts.ts";
import { followCheckout } from "./followCheckout.ts";
import { readIntent } from "./followIntent.ts";
import { recoverFollow } from "./followRecovery.ts";
import { refsNow } from "./refsNow.ts";
import { waiting } from "./target.ts";
import type { FollowRequest, FollowResult } from "./target.ts";
import { moveUnseen, recoverUnseen } from "./unseenMove.ts";

/**
 * Brings the person's branch along to orchd's, as a fast-forward and never otherwise.
 *
 *     unfinished follow?     settled first (followRecovery.ts)
 *     person committed?      absorbed into orchd's branch first (absorb.ts); reset: rewound, nothing moves
 *     checked out nowhere    the ref moves by compare-and-swap
 *     checked out once       files, index and ref move together (followCheckout.ts), or nothing does
 *
 * Why a checkout moves with its branch: with the ref alone moved, the next `git commit -a` there
 * silently reverts everything that landed.
 */
export async function follow(
  writer: Writer,
  { from, takeIn = true }: FollowRequest,
): Promise<FollowResult> {
  try {
    const unfinished = await settleUnfinished(writer);
    if (unfinished !== null) return unfinished;
    const later = takeIn ? null : await takenInLater(writer);
    if (later !== null) return later;
    const start = await absorbed(writer, from);
    const target = start.refs.target?.oid ?? null;
    if (target === null) return waiting(`there is no branch ${writer.target}`);
    switch (start.absorbed.kind) {
      case "ready":
        return await advance(writer, target, start.absorbed.tip.oid);
      case "held":
        return heldFollow(start.absorbed, target);
      case "fenced":
      case "problem":
        return start.absorbed;
      default:
        return unreachable(start.absorbed);
    }
  } catch (error) {
    return await interrupted(writer, error);
  }
}

async function settleUnfinished(writer: Writer): Promise<FollowResult | null> {
  await recoverUnseen(writer);
  if ((await readIntent(writer)) === null) return null;
  const recovery = await recoverFollow(writer);
  return recovery.kind === "busy" ? waiting(recovery.message) : null;
}

/** `null`: the person has nothing that orchd's branch would have to take in. */
async function takenInLater(writer: Writer): Promise<FollowResult | null> {
  const refs = await refsNow(writer);
  const { tip, target, followed } = refs;
  if (tip === null || target === null || target.oid === followed) return null;
  const rewound = await rewoundNow(writer, refs);
  if (rewound !== null) return heldFollow(rewound, target.oid);
  if (await isAncestor(writer, target.oid, tip.oid)) return null;
  return waiting(`new commits on ${writer.target} come in when the checks have ended that run now`);
}

function heldFollow(held: Held, target: Oid): FollowResult {
  return held.why === "rewound"
    ? { kind: "rewound", tip: target, message: held.message }
    : waiting(held.message, held.paths);
}

async function advance(writer: Writer, from: Oid, to: Oid): Promise<FollowResult> {
  if (from === to) return { kind: "current", tip: to };
  const checkouts = checkoutsOf(writer, targetRef(writer));
  const [checkout, another] = checkouts;
  if (checkout === undefined) return await advanceUnseen(writer, from, to);
  if (another !== undefined)
    return waiting(`${writer.target} is checked out in several working trees`);
  if (!(await exists(checkout.workTree)))
    return waiting(`${writer.target} is checked out in ${checkout.workTree}, which is not there`);
  return await followCheckout(writer, checkout, { from, to });
}

async function advanceUnseen(writer: Writer, from: Oid, to: Oid): Promise<FollowResult> {
  const moved = await moveUnseen(writer, { from, to });
  switch (moved.kind) {
    case "moved":
      return { kind: "followed", from, to };
    case "seen":
      return await followCheckout(writer, moved.checkout, { from, to });
    case "fenced":
      return moved;
    case "problem":
      return waiting(moved.message);
    default:
      return unreachable(moved);
  }
}

/** Something broke half-way: what was begun is settled now, or before the next follow. */
async function interrupted(writer: Writer, error: unknown): Promise<FollowResult> {
  if (!(error instanceof GitError) && !isFileError(error)) throw error;
  const recovery = await recoverFollow(writer);
  const more = recovery.kind === "none" ? "" : `; ${recovery.message}`;
  return { kind: "problem", message: `${error.message}${more}` };
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && "syscall" in error;
}
