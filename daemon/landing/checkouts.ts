import { readFileSync, readdirSync } from "node:fs";
import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
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
  return all.filter((checkout) => uses(checkout, ref));
}

function linked(site: LandingSite): Checkout[] {
  const folder = join(site.place.gitDir, "worktrees");
  return namesIn(folder).flatMap((name) => {
    const gitDir = join(folder, name);
    const link = textOf(join(gitDir, "gitdir"));
    return link === null ? [] : [{ workTree: dirname(link), gitDir }];
  });
}

function uses({ gitDir }: Checkout, ref: string): boolean {
  if (headIs(gitDir, ref)) return true;
  const kept = ["rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"];
  const names = kept.map((name) => textOf(join(gitDir, name)));
  return names.some((name) => name === ref || `refs/heads/${name}` === ref);
}

export function headIs(gitDir: string, ref: string): boolean {
  return textOf(join(gitDir, "HEAD")) === `ref: ${ref}`;
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
