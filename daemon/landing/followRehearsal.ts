import { join } from "node:path";
import type { Oid } from "../../ipc/ids.ts";
import { targetRef } from "./branch.ts";
import type { Writer } from "./branch.ts";
import { exists, headIs, operationIn } from "./checkouts.ts";
import type { Checkout } from "./checkouts.ts";
import { indexFile, makeFolder, removeScratch } from "./followIntent.ts";
import { copyIndex, gitWith, indexWork, names, readTree, refresh } from "./privateIndex.ts";
import type { IndexWork } from "./privateIndex.ts";
import { shownPath } from "./mergeTree.ts";
import { waiting } from "./target.ts";
import type { FollowResult, TargetMove } from "./target.ts";
import { gitlinkMode, inTheWay, kindOf, onDisk, touchedPaths } from "./touched.ts";
import type { Side, TouchedPath } from "./touched.ts";
import { sparsePaths } from "./worktreeState.ts";
import { failpoint } from "../../system/failpoint.ts";

const localChanges = "local changes are in the way";

/** What would be in the way, found without taking their lock or touching anything of theirs. */
export async function rehearse(
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
  const removed = await removedAmong(checkout, work, touched);
  if (removed.length > 0) return waiting(localChanges, removed.map(shownPath));
  if (await readTreeRefreshed(work, commits, ["-u", "-n"])) return null;
  const paths = await changedAmong(work, move.from, touched);
  return paths.length > 0
    ? waiting(localChanges, paths.map(shownPath))
    : waiting(await refusal(work, commits));
}

/** What the person deleted without staging it; git would write such a file again. */
export async function removedAmong(
  checkout: Checkout,
  work: IndexWork,
  touched: readonly TouchedPath[],
): Promise<string[]> {
  const kept = touched.filter((one) => one.old !== null && isFile(one.new));
  const kinds = await Promise.all(kept.map(({ path }) => kindOf(onDisk(checkout, path))));
  const absent = kept.map(({ path }) => path).filter((_, at) => kinds[at] === "absent");
  if (absent.length === 0) return absent;
  const sparse = await sparsePaths(checkout, work);
  return absent.filter((path) => !sparse.has(path));
}

function isFile(side: Side | null): boolean {
  return side !== null && side.mode !== gitlinkMode;
}

/** A refusal may come from times alone (a `touch`), so it counts only after a look at the content. */
export async function readTreeRefreshed(
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

export async function inProgress(writer: Writer, checkout: Checkout): Promise<FollowResult | null> {
  const operation = await operationIn(checkout.gitDir);
  if (operation !== null) return waiting(`${operation} is in progress in ${checkout.workTree}`);
  if (!headIs(writer, checkout.gitDir, targetRef(writer)))
    return waiting(`another branch was checked out in ${checkout.workTree} at this moment`);
  return null;
}

export function locked(checkout: Checkout): FollowResult {
  return waiting(`a git command is at work in ${checkout.workTree} (index.lock exists)`);
}
