import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { access } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { LandingSite } from "./branch.ts";

/**
 * Which working trees have a branch checked out, and what goes on in them. Read from the files that
 * gitrepository-layout(5) describes: a HEAD in the common directory for the main working tree, one in
 * each `worktrees/<name>/` for a linked one. They are a line each, and there are a handful: reading one
 * takes less than a hop to a thread of the pool and back.
 */
export type Checkout = {
  /** Absolute. */
  readonly workTree: string;
  /** Its own git directory, where its HEAD and index lie. */
  readonly gitDir: string;
};

/** Checkouts whose HEAD is `ref`, and those in which a rebase or bisect will come back to it. */
export function checkoutsOf(site: LandingSite, ref: string): Checkout[] {
  const all = [{ workTree: site.workTree, gitDir: site.place.gitDir }, ...linked(site)];
  return all.filter((checkout) => uses(site, checkout, ref));
}

/** Folders of linked working trees, also of those that somebody removed without telling git. */
export function linkedWorkTrees(site: LandingSite): string[] {
  return linked(site).map(({ workTree }) => workTree);
}

function linked(site: LandingSite): Checkout[] {
  const folder = join(site.place.gitDir, "worktrees");
  return namesIn(folder).flatMap((name) => {
    const gitDir = join(folder, name);
    const link = textOf(join(gitDir, "gitdir"));
    // Relative to its own folder where `worktree.useRelativePaths` says so (git 2.48).
    return link === null ? [] : [{ workTree: dirname(resolve(gitDir, link)), gitDir }];
  });
}

function uses(site: LandingSite, { gitDir }: Checkout, ref: string): boolean {
  if (headIs(site, gitDir, ref)) return true;
  const kept = ["rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"];
  const names = kept.flatMap((name) => textOf(join(gitDir, name)) ?? []);
  return names.some(
    (name) => isSameBranch(site, name, ref) || isSameBranch(site, `refs/heads/${name}`, ref),
  );
}

/** `gitDir`: of the working tree. */
export function headIs(site: LandingSite, gitDir: string, ref: string): boolean {
  const name = namedBy(join(gitDir, "HEAD"));
  return name !== null && isSameBranch(site, name, ref);
}

/** A branch may be another name of one (`git symbolic-ref refs/heads/master refs/heads/main`). */
function isSameBranch(site: LandingSite, one: string, other: string): boolean {
  return one === other || branchBehind(site, one) === branchBehind(site, other);
}

/** As many steps as git takes. */
const symbolicDepthMax = 5;

function branchBehind({ place }: LandingSite, ref: string): string {
  let name = ref;
  for (let depth = 0; depth < symbolicDepthMax; depth += 1) {
    const next = namedBy(join(place.gitDir, name));
    if (next === null) break;
    name = next;
  }
  return name;
}

/** The ref that a symbolic one names; a link to its file with `core.preferSymlinkRefs`. */
function namedBy(path: string): string | null {
  const text = textOf(path);
  if (text === null) return null;
  if (text.startsWith("ref:")) return text.slice("ref:".length).trim();
  try {
    const target = readlinkSync(path);
    return target.startsWith("refs/") ? target : null;
  } catch {
    return null;
  }
}

const operations = [
  ["MERGE_HEAD", "a merge"],
  ["rebase-merge", "a rebase"],
  ["rebase-apply", "a rebase or `git am`"],
  ["CHERRY_PICK_HEAD", "a cherry-pick"],
  ["REVERT_HEAD", "a revert"],
  ["sequencer", "a cherry-pick or revert"],
  ["BISECT_LOG", "a bisect"],
] as const;

/** What the person is in the middle of, in words; `null`: nothing. */
export async function operationIn(gitDir: string): Promise<string | null> {
  const present = await Promise.all(operations.map(([file]) => exists(join(gitDir, file))));
  return operations.find((_, index) => present[index])?.[1] ?? null;
}

export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
