import { join } from "node:path";
import { git } from "../../system/git.ts";
import type { Oid } from "../../ipc/ids.ts";
import { isAncestor, readRefs, targetRef } from "./branch.ts";
import type { Writer } from "./branch.ts";
import { exists, headIs } from "./checkouts.ts";
import type { Checkout } from "./checkouts.ts";
import {
  indexFile,
  lockState,
  readIntent,
  release,
  removeIndexLock,
  takeLock,
} from "./followIntent.ts";
import type { FollowIntent, LockState } from "./followIntent.ts";
import { stampsOf } from "./fileStamps.ts";
import type { FileStamps } from "./fileStamps.ts";
import { shownPath } from "./mergeTree.ts";
import {
  copyIndex,
  indexWork,
  isBehind,
  placeIndex,
  readTree,
  refresh,
  syncIndex,
} from "./privateIndex.ts";
import { touchedPaths } from "./touched.ts";
import type { TouchedPath } from "./touched.ts";
import { restore } from "./restore.ts";
import { sparsePaths, statesOf } from "./worktreeState.ts";
import type { PathState } from "./worktreeState.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * Ends a follow that was cut off, from what lies on disk; may itself be cut off and done again.
 *
 *     branch                files become        index
 *     --------------------  ------------------  -------------------------------------------------
 *     without the new one   the old commit's    stays: it is replaced only after the branch moved
 *     has the new commit    the new commit's    the private copy is put in place; if the lock was
 *                                               removed meanwhile, theirs is brought forward anew
 *     the same, HEAD left   the old commit's    stays, unless the new one is in place
 *
 * If somebody removed the lock and then moved the branch or switched to another, they went on without
 * us: nothing is touched, which is reported.
 *
 * A file is written only if it holds nothing of the person's (worktreeState.ts); any other is left
 * as it is, shows in their `git status` and is named in the result. Their index.lock is removed only
 * if it has the recorded inode. The git children of the dead supervisor must be gone by now.
 */
export type FollowRecovery =
  | { readonly kind: "none" }
  | {
      readonly kind: "settled";
      readonly at: "old" | "new";
      readonly commit: Oid;
      /** Changed by the person meanwhile, and left so. */
      readonly leftPaths: readonly string[];
      readonly message: string;
    }
  /** Somebody else holds the index lock; recovery is to be tried again. */
  | { readonly kind: "busy"; readonly message: string }
  /** The person went on by hand: nothing was touched, the intent is dropped. */
  | { readonly kind: "abandoned"; readonly message: string };

type How = {
  /** A git may have died while it wrote a file. False while the process that followed lives. */
  readonly cutOff: boolean;
  /** The touched files before the follow wrote any, where that is known. */
  readonly before: FileStamps;
};

export async function recoverFollow(
  writer: Writer,
  how: How = { cutOff: true, before: new Map() },
): Promise<FollowRecovery> {
  const intent = await readIntent(writer);
  if (intent === null) return { kind: "none" };
  const checkout = { workTree: intent.work_tree, gitDir: intent.git_dir };
  if (!(await exists(checkout.gitDir)))
    return await abandon(writer, intent, `the working tree ${checkout.workTree} is gone`);
  const lock = await lockState(intent);
  if (lock === "foreign" || (lock === "absent" && !(await takeLock(intent))))
    return { kind: "busy", message: `index.lock in ${checkout.gitDir} is held by somebody else` };
  await failpoint("recover.unlockIndex", () => removeIndexLock(checkout.gitDir));
  return await settle(writer, checkout, intent, lock, how);
}

async function settle(
  writer: Writer,
  checkout: Checkout,
  intent: FollowIntent,
  lock: LockState,
  how: How,
): Promise<FollowRecovery> {
  const { target } = await readRefs(writer);
  const movedByHand = target?.oid !== intent.from && target?.oid !== intent.to;
  if (lock === "absent" && movedByHand)
    return await abandon(writer, intent, `${writer.target} was moved by hand meanwhile`);
  if (lock === "absent" && !headIs(writer, checkout.gitDir, targetRef(writer)))
    return await abandon(writer, intent, "another branch was checked out meanwhile");
  const reached = target !== null && (await isAncestor(writer, intent.to, target.oid));
  const goal = reached && !(await switchedUnplaced(writer, checkout, intent.to)) ? "new" : "old";
  // The copy of the index is made before the first file is written, and put in place after the last:
  // without one nothing was begun, or all of it is done. What differs then is the person's.
  const begun = await exists(indexFile(checkout.gitDir));
  const left = begun ? await settleFiles(writer, checkout, intent, goal, how) : [];
  if (begun && goal === "new") await settleIndex(writer, checkout, intent, lock);
  await release(writer, intent);
  const at = `the checkout is at the ${goal} commit`;
  const message = left.length === 0 ? at : `${at}, except for ${left.join(", ")}`;
  const commit = goal === "new" ? intent.to : intent.from;
  return { kind: "settled", at: goal, commit, leftPaths: left, message };
}

/**
 * Whether they are on another commit, with the index that they made for it. git writes index and
 * files first and HEAD after that, without the lock, so a switch can end under ours. A branch that
 * was renamed is the same commit under another name.
 */
export async function switchedUnplaced(
  writer: Writer,
  { gitDir }: Checkout,
  to: Oid,
): Promise<boolean> {
  if (headIs(writer, gitDir, targetRef(writer))) return false;
  const head = await git({ gitDir }, ["rev-parse", "--quiet", "--verify", "HEAD"], {
    accept: [0, 1],
  });
  return head.stdout.trim() !== to && (await exists(indexFile(gitDir)));
}

/** Each finds what was changed since the one before; who edits faster than this keeps what is there. */
const looksMax = 5;

/** Makes every touched file the goal's, where that loses nothing; returns the others. */
async function settleFiles(
  writer: Writer,
  checkout: Checkout,
  { from, to }: FollowIntent,
  goal: "old" | "new",
  { cutOff, before }: How,
): Promise<string[]> {
  const present = await presentPaths(writer, checkout, await touchedPaths(writer, from, to));
  const other = goal === "old" ? "new" : "old";
  for (let looks = 1; ; looks += 1) {
    const states = await statesOf(writer, checkout, present);
    const as = (...wanted: readonly PathState[]): TouchedPath[] =>
      present.filter(({ path }) => wanted.includes(states.get(path) ?? goal));
    const now = await stampsOf(checkout, before.size === 0 ? [] : present);
    const isOurs = ({ path }: TouchedPath): boolean =>
      goal === "new" || !before.has(path) || now.get(path) !== before.get(path);
    const wrong = { whole: as(other).filter(isOurs), torn: cutOff ? as("torn") : [] };
    const restored = await restore(writer, checkout, wrong, goal);
    const theirs = as(other).filter((one) => !isOurs(one));
    const left = [...theirs, ...as("other"), ...(cutOff ? [] : as("torn"))];
    if (!restored && looks < looksMax) continue;
    return [...left, ...(restored ? [] : wrong.whole)].map(({ path }) => shownPath(path));
  }
}

async function presentPaths(
  writer: Writer,
  checkout: Checkout,
  touched: readonly TouchedPath[],
): Promise<TouchedPath[]> {
  const index = (await exists(indexFile(checkout.gitDir)))
    ? indexFile(checkout.gitDir)
    : join(checkout.gitDir, "index");
  const sparse = await sparsePaths(checkout, indexWork(writer, checkout, index));
  return touched.filter(({ path }) => !sparse.has(path));
}

async function settleIndex(
  writer: Writer,
  checkout: Checkout,
  { from, to }: FollowIntent,
  lock: LockState,
): Promise<void> {
  const theirs = indexWork(writer, checkout, join(checkout.gitDir, "index"));
  const copied = lock === "ours" && (await exists(indexFile(checkout.gitDir)));
  if (lock === "ours" && !copied && !(await isBehind(theirs, from, to))) return;
  if (!copied)
    await failpoint("recover.copy", () => copyIndex(checkout, indexFile(checkout.gitDir)));
  const work = indexWork(writer, checkout);
  // Also when the lock is ours: an earlier recovery may have been cut off after it took the lock.
  if (await isBehind(work, from, to)) {
    if (!(await failpoint("recover.tree", () => readTree(work, [from, to], ["-i"])))) return;
  }
  await failpoint("recover.refresh", () => refresh(work));
  await failpoint("recover.syncIndex", () => syncIndex(checkout));
  await failpoint("recover.place", () => placeIndex(checkout));
}

async function abandon(writer: Writer, intent: FollowIntent, why: string): Promise<FollowRecovery> {
  await release(writer, intent);
  const message = `${why}; an interrupted update of ${intent.work_tree} was left as it is`;
  return { kind: "abandoned", message };
}
