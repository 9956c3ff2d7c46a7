import { rm } from "node:fs/promises";
import { join } from "node:path";
import { git, gitLine } from "../../system/git.ts";
import { compileGlob, globMatches } from "../core/glob.ts";
import { failpoint } from "../../system/failpoint.ts";
import { mustBeOid } from "./mergeTree.ts";
import { synced } from "./branch.ts";
import { touchedPaths } from "./touched.ts";
import type { LandingSite } from "./branch.ts";
import type { MergedTree } from "./mergeTree.ts";
import type { Oid } from "../../ipc/ids.ts";
import type { Side, TouchedPath } from "./touched.ts";

/**
 * Where two changes of generated files meet, neither their merge as text nor either side of it is
 * right. What stands there until they are made anew is the side of the branch (`ours`):
 *
 *     merge-tree ─► a tree, and conflicts in package-lock.json alone, or none
 *       + the generated paths that differ from the base on both sides, and from each other
 *       = the tree with those as `ours` has them
 *
 * The same commits give the same tree, so a step that was cut off comes to the same again.
 */
export type GeneratedMeeting = {
  readonly tree: Oid;
  /** Those of the globs that match one of the files. */
  readonly globs: readonly string[];
  /** The first of the files. */
  readonly paths: readonly string[];
};

type Sides = { readonly base: Oid; readonly ours: Oid; readonly theirs: Oid };

const shownMax = 20;

/** `null`: no generated file was changed on both sides, or others conflict: the merge counts as it is. */
export async function generatedMeeting(
  site: LandingSite,
  { base, ours, theirs }: Sides,
  merged: MergedTree,
  globs: readonly string[],
): Promise<GeneratedMeeting | null> {
  const patterns = globs.map(compileGlob);
  const isGenerated = (path: string): boolean =>
    patterns.some((pattern) => globMatches(pattern, textOf(path)));
  const conflicts = merged.kind === "conflict" ? merged.all : [];
  if (!conflicts.every(isGenerated)) return null;
  const [mine, yours] = await Promise.all(
    [ours, theirs].map(async (side) => await touchedPaths(site, base, side)),
  );
  const both = changedOnBoth(mine ?? [], yours ?? []).filter(isGenerated);
  const meeting = new Set([...conflicts, ...both]);
  if (meeting.size === 0) return null;
  const paths = [...meeting].map(textOf);
  const matched = globs.filter((_, at) => {
    const pattern = patterns[at];
    return pattern !== undefined && paths.some((path) => globMatches(pattern, path));
  });
  const tree = await withSideOf(site, merged.tree, ours, meeting);
  return { tree, globs: matched, paths: paths.toSorted().slice(0, shownMax) };
}

/** Is the tree still there? It was pinned when it was made, but a person may have removed that ref and pruned. */
export async function hasTree(site: LandingSite, tree: Oid): Promise<boolean> {
  const { code } = await git(site.place, ["cat-file", "-e", `${tree}^{tree}`], {
    accept: [0, 1, 128],
  });
  return code === 0;
}

function changedOnBoth(mine: readonly TouchedPath[], yours: readonly TouchedPath[]): string[] {
  const theirs = new Map(yours.map((one) => [one.path, one.new]));
  return mine.flatMap(({ path, new: side }) => {
    const other = theirs.get(path);
    return other === undefined || sameSide(side, other) ? [] : [path];
  });
}

function sameSide(one: Side | null, other: Side | null): boolean {
  return one?.mode === other?.mode && one?.oid === other?.oid;
}

/** The tree with these paths as `side` has them. */
async function withSideOf(
  site: LandingSite,
  tree: Oid,
  side: Oid,
  paths: ReadonlySet<string>,
): Promise<Oid> {
  const changes = (await touchedPaths(site, tree, side)).filter(({ path }) => paths.has(path));
  if (changes.length === 0) return tree;
  const absent = "0".repeat(tree.length);
  const lines = changes.map(({ path, new: entry }) =>
    entry === null ? `0 ${absent}\t${path}\0` : `${entry.mode} ${entry.oid}\t${path}\0`,
  );
  const indexFile = join(site.place.gitDir, "orchd/generated.index");
  const place = { ...site.place, indexFile };
  return await failpoint("merge.placeholder", async () => {
    // Of a step that was cut off; its git was waited for when this supervisor started.
    for (const left of [indexFile, `${indexFile}.lock`]) await rm(left, { force: true });
    await git(place, ["read-tree", tree]);
    const input = Buffer.from(lines.join(""), "latin1");
    await git(place, ["update-index", "-z", "--index-info"], { input });
    return mustBeOid(await gitLine(place, ["write-tree"], { config: synced }));
  });
}

/** From git's bytes, one character a byte. */
function textOf(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8");
}
