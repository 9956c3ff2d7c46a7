import { rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Oid } from "../../ipc/ids.ts";
import { failpoint } from "../../system/failpoint.ts";
import type { LandingSite } from "./branch.ts";
import type { Checkout } from "./checkouts.ts";
import { mustBeOid } from "./mergeTree.ts";
import { keepOriginals } from "./originals.ts";
import { gitWith, readTree, refresh, smallIndex } from "./privateIndex.ts";
import { kindOf, onDisk } from "./touched.ts";
import type { TouchedPath } from "./touched.ts";

/**
 * Gives files back the content that one side of a follow has. A person may edit one of them between
 * the look that found nothing of theirs in it and the write, so the write is git's own switch from
 * one tree to another: it looks at each file again right before, and refuses if one has changed.
 */
export type Wrong = {
  /** As the other side has it. */
  readonly whole: readonly TouchedPath[];
  /** What a killed git left: like neither side, so there is nothing to compare it with. */
  readonly torn: readonly TouchedPath[];
};

/** `false`: one of the whole files has been changed meanwhile, and none of them was written. */
export async function restore(
  site: LandingSite,
  checkout: Checkout,
  { whole, torn }: Wrong,
  goal: "old" | "new",
): Promise<boolean> {
  if (torn.length > 0) await overwrite(site, checkout, torn, goal);
  return whole.length === 0 || (await exchange(site, checkout, whole, goal));
}

async function exchange(
  site: LandingSite,
  checkout: Checkout,
  paths: readonly TouchedPath[],
  goal: "old" | "new",
): Promise<boolean> {
  const other = goal === "old" ? "new" : "old";
  const to = await treeOf(site, checkout, paths, goal);
  const from = await treeOf(site, checkout, paths, other);
  const work = await smallIndex(site, checkout, paths, other);
  await using originals = await keepOriginals(checkout, paths);
  const done = await failpoint("recover.exchange", async () => {
    await refresh(work);
    return (await areThere(checkout, paths, other)) && (await readTree(work, [from, to], ["-u"]));
  });
  await originals.giveBack(await originals.edited());
  return done;
}

/** git would write a file again that was removed, and overwrite one that is ignored. */
async function areThere(
  checkout: Checkout,
  paths: readonly TouchedPath[],
  side: "old" | "new",
): Promise<boolean> {
  const kinds = await Promise.all(paths.map(({ path }) => kindOf(onDisk(checkout, path))));
  return paths.every((one, at) => (kinds[at] === "file") === (one[side] !== null));
}

async function treeOf(
  site: LandingSite,
  checkout: Checkout,
  paths: readonly TouchedPath[],
  side: "old" | "new",
): Promise<Oid> {
  const work = await smallIndex(site, checkout, paths, side);
  const { stdout } = await failpoint("recover.writeTree", () => gitWith(work, ["write-tree"]));
  return mustBeOid(stdout.trim());
}

async function overwrite(
  site: LandingSite,
  checkout: Checkout,
  paths: readonly TouchedPath[],
  goal: "old" | "new",
): Promise<void> {
  for (const one of paths) if (one[goal] === null) await removeFile(checkout, one.path);
  const work = await smallIndex(site, checkout, paths, goal);
  await failpoint("recover.restore", () => gitWith(work, ["checkout-index", "-q", "-f", "-a"]));
}

/** Removes a file and the folders that become empty, as git does. */
async function removeFile(checkout: Checkout, path: string): Promise<void> {
  if ((await kindOf(onDisk(checkout, path))) === "file")
    await failpoint("recover.remove", () => rm(onDisk(checkout, path)));
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
    const empty = await failpoint("recover.rmdir", () => rmdir(onDisk(checkout, folder))).then(
      () => true,
      () => false,
    );
    if (!empty) return;
  }
}
