import { copyFile, open, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { git } from "../../system/git.ts";
import type { GitOptions, GitPlace } from "../../system/git.ts";
import type { Finished } from "../../system/spawn.ts";
import type { Oid } from "../../ipc/ids.ts";
import type { LandingSite } from "./branch.ts";
import type { Checkout } from "./checkouts.ts";
import { checkFile, indexFile } from "./followIntent.ts";
import { touchedPaths } from "./touched.ts";
import type { TouchedPath } from "./touched.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * Work on a copy of the person's index, with the person's own configuration (line endings, filters,
 * sparse checkout). What they staged stays staged: the copy takes along everything it holds.
 */
export type IndexWork = { readonly site: LandingSite; readonly place: GitPlace };

export function indexWork(
  site: LandingSite,
  checkout: Checkout,
  file = indexFile(checkout.gitDir),
): IndexWork {
  const { gitDir, workTree } = checkout;
  return { site, place: { gitDir, workTree, indexFile: file, configuration: "person" } };
}

const settings = { "core.splitIndex": "false", "submodule.recurse": "false" } as const;

export async function gitWith(
  { site, place }: IndexWork,
  args: readonly string[],
  options: GitOptions = {},
): Promise<Finished> {
  const env = site.path === null ? {} : { PATH: site.path };
  return await git(place, args, { ...options, config: settings, env });
}

/** Older than the original by this much, for the reason below. */
const olderMs = 2;

/**
 * Copies the person's index. git takes an entry for unchanged when the file is older than the
 * index; a copy with a fresh time would hide an edit made in the instant before, so the copy is
 * dated back to the original (a little further, as Node sets times less exactly than it reads them).
 */
export async function copyIndex(checkout: Checkout, to: string): Promise<void> {
  const original = join(checkout.gitDir, "index");
  const { mtimeMs } = await stat(original);
  await copyFile(original, to);
  const dated = (mtimeMs - olderMs) / 1000;
  await utimes(to, dated, dated);
}

/** `-m -u` two-way: keeps what is staged or edited elsewhere, refuses where the change itself falls. */
export async function readTree(
  work: IndexWork,
  commits: readonly [Oid, Oid],
  how: readonly string[],
): Promise<boolean> {
  const { code } = await gitWith(work, ["read-tree", "-m", ...how, ...commits], {
    accept: [0, 1, 128],
  });
  return code === 0;
}

/** Looks at files whose times differ and notes those whose content does not. */
export async function refresh(work: IndexWork): Promise<void> {
  await gitWith(work, ["update-index", "-q", "--refresh"], { accept: [0, 1] });
}

export async function names(work: IndexWork, args: readonly string[]): Promise<string[]> {
  const { stdout } = await gitWith(work, args, { bytes: true });
  return stdout.split("\0").filter((name) => name !== "");
}

/** Whether an index has every path that a move touches as the old commit has it. */
export async function isBehind(work: IndexWork, from: Oid, to: Oid): Promise<boolean> {
  const other = await names(work, ["diff-index", "-z", "--cached", "--name-only", from]);
  const differing = new Set(other);
  return (await touchedPaths(work.site, from, to)).every(({ path }) => !differing.has(path));
}

/** An index that holds the touched paths of one side and nothing else. */
export async function smallIndex(
  site: LandingSite,
  checkout: Checkout,
  touched: readonly TouchedPath[],
  which: "old" | "new",
): Promise<IndexWork> {
  const file = checkFile(site);
  await failpoint("recover.clear", async () => {
    await rm(file, { force: true });
    await rm(`${file}.lock`, { force: true });
  });
  const work = indexWork(site, checkout, file);
  const lines = touched.flatMap((one) => {
    const side = one[which];
    return side === null ? [] : [`${side.mode} ${side.oid} 0\t${one.path}\0`];
  });
  const input = Buffer.from(lines.join(""), "latin1");
  await failpoint("recover.index", () =>
    gitWith(work, ["update-index", "-z", "--index-info"], { input }),
  );
  return work;
}

/** Puts the finished private index in the place of the person's, whole or not at all. */
export async function placeIndex({ gitDir }: Checkout): Promise<void> {
  await rename(indexFile(gitDir), join(gitDir, "index"));
}

/** Before the branch moves, so that a power loss cannot leave the new branch with an empty index. */
export async function syncIndex({ gitDir }: Checkout): Promise<void> {
  await using file = await open(indexFile(gitDir), "r+");
  await file.sync();
}
