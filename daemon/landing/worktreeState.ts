import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Checkout } from "./checkouts.ts";
import { exists } from "./checkouts.ts";
import type { LandingSite } from "./branch.ts";
import { writtenFolder } from "./followIntent.ts";
import { gitWith, names, smallIndex } from "./privateIndex.ts";
import type { IndexWork } from "./privateIndex.ts";
import { gitlinkMode, kindOf, onDisk } from "./touched.ts";
import type { Side, TouchedPath } from "./touched.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * What a crash in the middle of a follow left of each touched path:
 *
 *     old, new     equals that commit's blob, as the person's filters write it; same mode
 *     torn         gone although both commits have it, or the beginning of one of the two files cut off
 *                  at a page: what a git killed while writing leaves (it removes, then writes in place)
 *     other        anything else: the person's, never touched
 */
export type PathState = "old" | "new" | "torn" | "other";

/** Bytes the kernel takes at a time from a write that is killed. */
const pageBytes = 4096;

export async function statesOf(
  site: LandingSite,
  checkout: Checkout,
  touched: readonly TouchedPath[],
): Promise<Map<string, PathState>> {
  const files = touched.filter(({ old, new: young }) => !isGitlink(old) && !isGitlink(young));
  const isOld = await matching(site, checkout, files, "old");
  const isNew = await matching(site, checkout, files, "new");
  const states = new Map<string, PathState>();
  for (const one of files) {
    if (isOld.has(one.path)) states.set(one.path, "old");
    else if (isNew.has(one.path)) states.set(one.path, "new");
    else states.set(one.path, (await isTorn(site, checkout, one)) ? "torn" : "other");
  }
  return states;
}

function isGitlink(side: Side | null): boolean {
  return side?.mode === gitlinkMode;
}

async function matching(
  site: LandingSite,
  checkout: Checkout,
  touched: readonly TouchedPath[],
  which: "old" | "new",
): Promise<Set<string>> {
  const work = await smallIndex(site, checkout, touched, which);
  await failpoint("recover.compare", () =>
    gitWith(work, ["update-index", "-q", "--refresh"], { accept: [0, 1] }),
  );
  const differing = new Set(await names(work, ["diff-files", "-z", "--name-only"]));
  const equal = new Set<string>();
  for (const one of touched) {
    const same =
      one[which] === null
        ? (await kindOf(onDisk(checkout, one.path))) !== "file"
        : !differing.has(one.path);
    if (same) equal.add(one.path);
  }
  return equal;
}

async function isTorn(site: LandingSite, checkout: Checkout, one: TouchedPath): Promise<boolean> {
  const path = onDisk(checkout, one.path);
  if ((await kindOf(path)) === "absent") return true;
  const found = await readFile(path).catch(() => null);
  if (found === null || found.length % pageBytes !== 0) return false;
  for (const side of ["new", "old"] as const) {
    const whole = await asWritten(site, checkout, one, side);
    if (whole === null || whole.length <= found.length) continue;
    if (whole.subarray(0, found.length).equals(found)) return true;
  }
  return false;
}

/** One side's file with the person's line endings and filters, as a checkout would write it. */
async function asWritten(
  site: LandingSite,
  checkout: Checkout,
  one: TouchedPath,
  side: "old" | "new",
): Promise<Buffer | null> {
  const work = await smallIndex(site, checkout, [one], side);
  const folder = writtenFolder(site);
  await failpoint("recover.show", async () => {
    await rm(folder, { recursive: true, force: true });
    const args = ["checkout-index", "-q", "-f", "-a", `--prefix=${folder}/`];
    await gitWith(work, args, { accept: [0, 1, 128] });
  });
  const bytes = await readFile(onDisk({ ...checkout, workTree: folder }, one.path)).catch(
    () => null,
  );
  await failpoint("recover.shown", () => rm(folder, { recursive: true, force: true }));
  return bytes;
}

/** Paths that a sparse checkout keeps out of the working tree; they are settled by definition. */
export async function sparsePaths(checkout: Checkout, work: IndexWork): Promise<Set<string>> {
  if (!(await exists(join(checkout.gitDir, "info", "sparse-checkout")))) return new Set();
  const rows = await names(work, ["ls-files", "-z", "-t"]);
  return new Set(rows.filter((row) => row.startsWith("S ")).map((row) => row.slice(2)));
}
