import type { Writer } from "./branch.ts";
import type { Checkout } from "./checkouts.ts";
import { indexFile, lockState, release, takeLock, writeIntent } from "./followIntent.ts";
import type { FollowIntent } from "./followIntent.ts";
import { recoverFollow, switchedUnplaced } from "./followRecovery.ts";
import {
  inProgress,
  locked,
  readTreeRefreshed,
  rehearse,
  removedAmong,
} from "./followRehearsal.ts";
import { indexStamp, stampsOf } from "./fileStamps.ts";
import type { FileStamps } from "./fileStamps.ts";
import { keepOriginals } from "./originals.ts";
import type { Originals } from "./originals.ts";
import { shownPath } from "./mergeTree.ts";
import { copyIndex, indexWork, placeIndex, syncIndex } from "./privateIndex.ts";
import { refsNow } from "./refsNow.ts";
import { moveTarget, waiting } from "./target.ts";
import type { FollowResult, TargetMove } from "./target.ts";
import { touchedPaths } from "./touched.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * Moves files, index and branch of a person's checkout from one commit to a descendant:
 *
 *     1  rehearse, holding nothing: anything in progress? a lock? local edits in the way? then wait
 *     2  intent written and synced (followIntent.ts)
 *     3  the person's index.lock taken; if their index is another than in the rehearsal, back out
 *     4  copy of their index; `read-tree -m -u` writes the files and the copy; a file that was written
 *        to at this moment: back out, and what was written is given back (originals.ts)
 *     5  HEAD looked at again, branch moved by compare-and-swap under the epoch
 *     6  HEAD once more, then the copy renamed over their index
 *     7  lock, intent and copy removed
 *
 * Cut off before 5 the checkout is taken back to the old commit, after 5 it is completed
 * (followRecovery.ts). A failure in between goes the same way back.
 */
export async function followCheckout(
  writer: Writer,
  checkout: Checkout,
  move: TargetMove,
): Promise<FollowResult> {
  const seen = await indexStamp(checkout);
  const obstacle = await rehearse(writer, checkout, move);
  if (obstacle !== null) return obstacle;
  const intent = await writeIntent(writer, checkout, move);
  if (!(await takeLock(intent))) {
    await release(writer, intent);
    return locked(checkout);
  }
  return await underLock(writer, checkout, intent, seen);
}

const filesChanged = "files were changed at this moment";

/** `seen`: their index, before the rehearsal. */
async function underLock(
  writer: Writer,
  checkout: Checkout,
  intent: FollowIntent,
  seen: string,
): Promise<FollowResult> {
  const busy = (await inProgress(writer, checkout)) ?? (await movedMeanwhile(writer, intent));
  if (busy !== null) return await backOut(writer, busy);
  if ((await indexStamp(checkout)) !== seen) return await backOut(writer, waiting(filesChanged));
  await failpoint("follow.copy", () => copyIndex(checkout, indexFile(checkout.gitDir)));
  const { from, to } = intent;
  const work = indexWork(writer, checkout);
  const touched = await touchedPaths(writer, from, to);
  const before = await stampsOf(checkout, touched);
  await using originals = await keepOriginals(checkout, touched);
  const wrote = await failpoint(
    "follow.tree",
    async () =>
      (await removedAmong(checkout, work, touched)).length === 0 &&
      (await readTreeRefreshed(work, [from, to], ["-u"])),
  );
  const after = await stampsOf(checkout, touched);
  const back = (result: FollowResult) =>
    takeBack(writer, checkout, result, { before, after, originals });
  if (!wrote || (await originals.edited()).length > 0) return await back(waiting(filesChanged));
  await failpoint("follow.syncIndex", () => syncIndex(checkout));
  const switched = await inProgress(writer, checkout);
  if (switched !== null) return await back(switched);
  if ((await lockState(intent)) !== "ours")
    return await back(waiting("the index lock was removed by somebody else"));
  const moved = await failpoint("follow.target", () =>
    moveTarget(writer, { from, to }, checkout.gitDir),
  );
  if (moved.kind !== "done")
    return await back(moved.kind === "fenced" ? moved : waiting(moved.message));
  if (await switchedUnplaced(writer, checkout, to))
    return await back({ kind: "followed", from, to });
  await failpoint("follow.place", () => placeIndex(checkout));
  await release(writer, intent);
  await giveBackLate(checkout, originals, after);
  return { kind: "followed", from, to };
}

type Written = {
  readonly before: FileStamps;
  readonly after: FileStamps;
  readonly originals: Originals;
};

/** After files were written. Whatever became of a file that a person wrote to since is theirs. */
async function takeBack(
  writer: Writer,
  checkout: Checkout,
  result: FollowResult,
  { before, after, originals }: Written,
): Promise<FollowResult> {
  const recovery = await recoverFollow(writer, { cutOff: false, before });
  if (recovery.kind !== "settled") {
    // Nothing goes back now, and later nobody has them open any more.
    await giveBackLate(checkout, originals, after);
    return result;
  }
  const theirs = new Set(recovery.leftPaths);
  const edited = await originals.edited();
  await originals.giveBack(edited.filter(({ path }) => !theirs.has(shownPath(path))));
  return result;
}

/** Over what git wrote: what is given back shows as a change of theirs, as if they had made it a moment later. */
async function giveBackLate(
  checkout: Checkout,
  originals: Originals,
  after: FileStamps,
): Promise<void> {
  const edited = await originals.edited();
  const now = await stampsOf(checkout, edited);
  await originals.giveBack(edited.filter(({ path }) => now.get(path) === after.get(path)));
}

/** Recovery is the way back too: the branch has not moved, or is not theirs any more, so every file of ours becomes the old one. */
async function backOut(writer: Writer, result: FollowResult): Promise<FollowResult> {
  await recoverFollow(writer, { cutOff: false, before: new Map() });
  return result;
}

/** A `reset --soft` takes no index lock; looked at before any file is written. */
async function movedMeanwhile(
  writer: Writer,
  { from }: FollowIntent,
): Promise<FollowResult | null> {
  const { target } = await refsNow(writer);
  return target?.oid === from ? null : waiting(`${writer.target} was moved at this moment`);
}
