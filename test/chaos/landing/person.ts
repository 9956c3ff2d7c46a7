import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Site } from "../site.ts";
import { theirsPath } from "../recovered.ts";

/**
 * Somebody with an edit that is staged and one that is not, in a file that no task touches. They have
 * the same in a second working tree, on a branch of its own, where a git of theirs holds the index.
 */
const [staged, edited] = ["staged by a person\n", "edited by a person\n"];
const besideName = "beside";
const besideLock = `worktrees/${besideName}/index.lock`;

export async function beginEditing(site: Site): Promise<void> {
  const { repository, foreignLocks } = site;
  await edit(repository.dir, repository.git);
  const beside = besideOf(site);
  if (existsSync(beside)) return;
  await repository.git("worktree", "add", "--quiet", "-b", besideName, beside);
  await edit(beside, (...args) => repository.git("-C", beside, ...args));
  foreignLocks.plant(besideLock);
}

/** What is not as they left it. */
export async function lostEdits(site: Site): Promise<string[]> {
  const { dir, git } = site.repository;
  const folders = [dir, besideOf(site)];
  const lost = await Promise.all(
    folders.map(async (folder) => {
      const onDisk = readFileSync(join(folder, theirsPath), "utf8");
      const inIndex = await git("-C", folder, "show", `:${theirsPath}`);
      return [
        ...(onDisk === edited ? [] : [`their edit in ${folder} is lost: ${onDisk}`]),
        ...(`${inIndex}\n` === staged ? [] : [`what they staged in ${folder} is lost: ${inIndex}`]),
      ];
    }),
  );
  const others = await git("-C", besideOf(site), "--no-optional-locks", "status", "--porcelain");
  const head = await git("-C", besideOf(site), "symbolic-ref", "HEAD");
  const isAsWas = others === `MM ${theirsPath}` && head === `refs/heads/${besideName}`;
  return [...lost.flat(), ...(isAsWas ? [] : [`beside: ${head} ${others}`])];
}

/** They throw it away, so that the checkout has nothing but what landed. */
export async function endEditing({ repository: { git } }: Site): Promise<void> {
  await git("checkout", "--quiet", "HEAD", "--", theirsPath);
}

type Git = (...args: readonly string[]) => Promise<string>;

async function edit(folder: string, git: Git): Promise<void> {
  writeFileSync(join(folder, theirsPath), staged);
  await git("add", theirsPath);
  writeFileSync(join(folder, theirsPath), edited);
}

function besideOf({ repository: { dir } }: Site): string {
  return join(dir, "..", besideName);
}
