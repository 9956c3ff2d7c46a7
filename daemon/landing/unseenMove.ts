import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import { isRecord } from "../../ipc/message.ts";
import { readJsonFile, writeDurably } from "../../system/atomicFile.ts";
import { failpoint } from "../../system/failpoint.ts";
import { readRefs, targetRef } from "./branch.ts";
import type { LandingSite, Transaction, Writer } from "./branch.ts";
import { checkoutsOf } from "./checkouts.ts";
import type { Checkout } from "./checkouts.ts";
import { indexWork, names } from "./privateIndex.ts";
import { moveTarget } from "./target.ts";
import type { TargetMove } from "./target.ts";
import { touchedPaths } from "./touched.ts";

/**
 * Moves a branch that nobody has checked out. Somebody may check it out in the very instant. Right
 * after the move they have the new files, and all is well; right before it they have the old files
 * under the new tip, and the next `git commit -a` there would revert what landed: the ref is put back.
 *
 *     unseen.json    the move, synced before the ref moves, removed once it was looked at who is there
 *
 * Cut off in between, the next supervisor looks (`recoverUnseen`).
 */
export type UnseenMove =
  | { readonly kind: "moved" }
  /** The ref is where it was, and the checkout has its files. */
  | { readonly kind: "seen"; readonly checkout: Checkout }
  | Exclude<Transaction, { kind: "done" }>;

export async function moveUnseen(writer: Writer, move: TargetMove): Promise<UnseenMove> {
  await failpoint("unseen.note", () => writeDurably(noteFile(writer), `${JSON.stringify(move)}\n`));
  const moved = await failpoint("unseen.move", () => moveTarget(writer, move));
  const checkout = moved.kind === "done" ? await behind(writer, move) : null;
  const back = checkout === null ? moved : await putBack(writer, move);
  await forget(writer);
  if (back.kind !== "done") return back;
  return checkout === null ? { kind: "moved" } : { kind: "seen", checkout };
}

/** Settles a move that was cut off; what the person moved themselves meanwhile stays. */
export async function recoverUnseen(writer: Writer): Promise<void> {
  const move = await readNote(writer);
  if (move === null) return;
  const { target } = await readRefs(writer);
  if (target?.oid === move.to && (await behind(writer, move)) !== null) await putBack(writer, move);
  await forget(writer);
}

async function behind(writer: Writer, move: TargetMove): Promise<Checkout | null> {
  const [checkout] = checkoutsOf(writer, targetRef(writer));
  if (checkout === undefined) return null;
  return (await hasOldFiles(writer, checkout, move)) ? checkout : null;
}

/**
 * Told by the index: its entries for what the move touches are the old commit's or the new one's. A
 * staged change, which a checkout carries along, is neither; where it leaves nothing to go by, the
 * branch is put back, as that reverts nothing either way.
 */
async function hasOldFiles(
  writer: Writer,
  checkout: Checkout,
  { from, to }: TargetMove,
): Promise<boolean> {
  const theirs = indexWork(writer, checkout, join(checkout.gitDir, "index"));
  const other = (commit: Oid): Promise<string[]> =>
    names(theirs, ["diff-index", "-z", "--cached", "--name-only", commit]);
  const [notOld, notNew] = [new Set(await other(from)), new Set(await other(to))];
  const touched = await touchedPaths(writer, from, to);
  if (touched.length === 0) return false;
  return (
    touched.some(({ path }) => !notOld.has(path)) || touched.every(({ path }) => notNew.has(path))
  );
}

async function putBack(writer: Writer, { from, to }: TargetMove): Promise<Transaction> {
  return await failpoint("unseen.back", () => moveTarget(writer, { from: to, to: from }));
}

async function forget(site: LandingSite): Promise<void> {
  await failpoint("unseen.forget", () => rm(noteFile(site), { force: true }));
}

const noteBytesMax = 4 * 1024;

async function readNote(site: LandingSite): Promise<TargetMove | null> {
  const value = await readJsonFile(noteFile(site), noteBytesMax);
  if (!isRecord(value)) return null;
  const { from, to } = value;
  const isMove = typeof from === "string" && typeof to === "string" && isOid(from) && isOid(to);
  return isMove ? { from, to } : null;
}

function noteFile({ place }: LandingSite): string {
  return join(place.gitDir, "orchd", "unseen.json");
}
