import { join } from "node:path";
import type { Oid } from "../../ipc/ids.ts";
import { targetRef } from "./branch.ts";
import type { Writer } from "./branch.ts";
import { exists, headIs, operationIn } from "./checkouts.ts";
import type { Checkout } from "./checkouts.ts";
import {
  indexFile,
  lockState,
  makeFolder,
  release,
  removeScratch,
  takeLock,
  writeIntent,
} from "./followIntent.ts";
import type { FollowIntent } from "./followIntent.ts";
import { recoverFollow } from "./followRecovery.ts";
import {
  copyIndex,
  gitWith,
  indexWork,
  names,
  placeIndex,
  readTree,
  refresh,
  syncIndex,
} from "./privateIndex.ts";
import type { IndexWork } from "./privateIndex.ts";
import { shownPath } from "./mergeTree.ts";
import { moveTarget, waiting } from "./target.ts";
import type { FollowResult, TargetMove } from "./target.ts";
import { inTheWay, touchedPaths } from "./touched.ts";
import type { TouchedPath } from "./touched.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * Moves files, index and branch of a person's checkout from one commit to a descendant:
 *
 *     1  rehearse, holding nothing: anything in progress? a lock? local edits in the way? then wait
 *     2  intent written and synced (followIntent.ts)
 *     3  the person's index.lock taken
 *     4  copy of their index; `read-tree -m -u` writes the files and the copy
 *     5  HEAD looked at again, branch moved by compare-and-swap under the epoch
 *     6  the copy renamed over their index
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
  const obstacle = await rehearse(writer, checkout, move);
  if (obstacle !== null) return obstacle;
  const intent = await writeIntent(writer, checkout, move);
  if (!(await takeLock(intent))) {
    await release(writer, intent);
    return locked(checkout);
  }
  return await underLock(writer, checkout, intent);
}

async function underLock(
  writer: Writer,
  checkout: Checkout,
  intent: FollowIntent,
): Promise<FollowResult> {
  const busy = await inProgress(writer, checkout);
  if (busy !== null) return await backOut(writer, busy);
  await failpoint("follow.copy", () => copyIndex(checkout, indexFile(checkout.gitDir)));
  const { from, to } = intent;
  const work = indexWork(writer, checkout);
  if (!(await failpoint("follow.tree", () => readTreeRefreshed(work, [from, to], ["-u"]))))
    return await backOut(writer, waiting("files were changed at this moment"));
  await failpoint("follow.syncIndex", () => syncIndex(checkout));
  const switched = await inProgress(writer, checkout);
  if (switched !== null) return await backOut(writer, switched);
  if ((await lockState(intent)) !== "ours")
    return await backOut(writer, waiting("the index lock was removed by somebody else"));
  const moved = await failpoint("follow.target", () =>
    moveTarget(writer, { from, to }, checkout.gitDir),
  );
  if (moved.kind !== "done")
    return await backOut(writer, moved.kind === "fenced" ? moved : waiting(moved.message));
  await failpoint("follow.place", () => placeIndex(checkout));
  await release(writer, intent);
  return { kind: "followed", from, to };
}

/** Recovery is the way back too: the branch has not moved, so every file of ours becomes the old one. */
async function backOut(writer: Writer, result: FollowResult): Promise<FollowResult> {
  await recoverFollow(writer);
  return result;
}

async function inProgress(writer: Writer, checkout: Checkout): Promise<FollowResult | null> {
  const operation = await operationIn(checkout.gitDir);
  if (operation !== null) return waiting(`${operation} is in progress in ${checkout.workTree}`);
  if (!headIs(checkout.gitDir, targetRef(writer)))
    return waiting(`another branch was checked out in ${checkout.workTree} at this moment`);
  return null;
}

function locked(checkout: Checkout): FollowResult {
  return waiting(`a git command is at work in ${checkout.workTree} (index.lock exists)`);
}

/** What would be in the way, found without taking their lock or touching anything of theirs. */
async function rehearse(
  writer: Writer,
  checkout: Checkout,
  move: TargetMove,
): Promise<FollowResult | null> {
  const busy = await inProgress(writer, checkout);
  if (busy !== null) return busy;
  if (await exists(join(checkout.gitDir, "index.lock"))) return locked(checkout);
  if (!(await exists(join(checkout.gitDir, "index"))))
    return waiting(`${checkout.workTree} has no index`);
  const touched = await touchedPaths(writer, move.from, move.to);
  const untracked = await inTheWay(checkout, touched);
  if (untracked.length > 0)
    return waiting("untracked files are in the way", untracked.map(shownPath));
  return await rehearseTree(writer, checkout, move, touched);
}

async function rehearseTree(
  writer: Writer,
  checkout: Checkout,
  move: TargetMove,
  touched: readonly TouchedPath[],
): Promise<FollowResult | null> {
  const work = indexWork(writer, checkout);
  const commits = [move.from, move.to] as const;
  await makeFolder(writer);
  await removeScratch(writer, checkout.gitDir);
  await failpoint("follow.rehearse", () => copyIndex(checkout, indexFile(checkout.gitDir)));
  if (await readTreeRefreshed(work, commits, ["-u", "-n"])) return null;
  const paths = await changedAmong(work, move.from, touched);
  return paths.length > 0
    ? waiting("local changes are in the way", paths.map(shownPath))
    : waiting(await refusal(work, commits));
}

/** A refusal may come from times alone (a `touch`), so it counts only after a look at the content. */
async function readTreeRefreshed(
  work: IndexWork,
  commits: readonly [Oid, Oid],
  how: readonly string[],
): Promise<boolean> {
  if (await readTree(work, commits, how)) return true;
  await refresh(work);
  return await readTree(work, commits, how);
}

async function changedAmong(
  work: IndexWork,
  from: Oid,
  touched: readonly TouchedPath[],
): Promise<string[]> {
  const edited = await names(work, ["diff-files", "-z", "--name-only"]);
  const staged = await names(work, ["diff-index", "-z", "--cached", "--name-only", from]);
  const changed = new Set([...edited, ...staged]);
  return touched.map(({ path }) => path).filter((path) => changed.has(path));
}

async function refusal(work: IndexWork, commits: readonly [Oid, Oid]): Promise<string> {
  const { stderr } = await gitWith(work, ["read-tree", "-m", "-u", "-n", ...commits], {
    accept: [0, 1, 128],
  });
  return stderr.trim().split("\n")[0] ?? "git refuses to update the files";
}
