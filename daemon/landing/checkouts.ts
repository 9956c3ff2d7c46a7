import { access, readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { LandingSite } from "./branch.ts";

/**
 * Which working trees have a branch checked out, and what goes on in them. Read from the files that
 * gitrepository-layout(5) describes: a HEAD in the common directory for the main working tree, one in
 * each `worktrees/<name>/` for a linked one.
 */
export type Checkout = {
  /** Absolute. */
  readonly workTree: string;
  /** Its own git directory, where its HEAD and index lie. */
  readonly gitDir: string;
};

/** Checkouts whose HEAD is `ref`, and those in which a rebase or bisect will come back to it. */
export async function checkoutsOf(site: LandingSite, ref: string): Promise<Checkout[]> {
  const all = [{ workTree: site.workTree, gitDir: site.place.gitDir }, ...(await linked(site))];
  const using = await Promise.all(all.map((checkout) => uses(checkout, ref)));
  return all.filter((_, index) => using[index]);
}

async function linked(site: LandingSite): Promise<Checkout[]> {
  const folder = join(site.place.gitDir, "worktrees");
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const gitDir = join(folder, name);
      const link = await textOf(join(gitDir, "gitdir"));
      return link === null ? [] : [{ workTree: dirname(link), gitDir }];
    }),
  );
  return found.flat();
}

async function uses({ gitDir }: Checkout, ref: string): Promise<boolean> {
  if (await headIs(gitDir, ref)) return true;
  const kept = ["rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"];
  const names = await Promise.all(kept.map((name) => textOf(join(gitDir, name))));
  return names.some((name) => name === ref || `refs/heads/${name}` === ref);
}

export async function headIs(gitDir: string, ref: string): Promise<boolean> {
  return (await textOf(join(gitDir, "HEAD"))) === `ref: ${ref}`;
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

async function textOf(path: string): Promise<string | null> {
  return await readFile(path, "utf8").then(
    (text) => text.trim(),
    () => null,
  );
}
