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

export async function beginEditing(site: Site): Promise<void> {
  const { repository, foreignLocks, tree } = site;
  const gitIn =
    (folder: string): Git =>
    (...args) =>
      repository.git("-C", folder, ...args);
  await edit(tree.dir, gitIn(tree.dir));
  const beside = besideOf(site);
  if (foreignLocks.names.includes(beside.lock)) return;
  if (!existsSync(beside.dir))
    await repository.git("worktree", "add", "--quiet", "-b", besideName, beside.dir);
  await edit(beside.dir, gitIn(beside.dir));
  foreignLocks.plant(beside.lock);
}

/** What is not as they left it. */
export async function lostEdits(site: Site): Promise<string[]> {
  const { git } = site.repository;
  const beside = besideOf(site);
  const lost = await Promise.all(
    [site.tree.dir, beside.dir].map(async (folder) => {
      const onDisk = readFileSync(join(folder, theirsPath), "utf8");
      const inIndex = await git("-C", folder, "show", `:${theirsPath}`);
      return [
        ...(onDisk === edited ? [] : [`their edit in ${folder} is lost: ${onDisk}`]),
        ...(`${inIndex}\n` === staged ? [] : [`what they staged in ${folder} is lost: ${inIndex}`]),
      ];
    }),
  );
  const others = await git("-C", beside.dir, "status", "--porcelain");
  const head = await git("-C", beside.dir, "symbolic-ref", "--short", "HEAD");
  const isAsWas = others === `MM ${theirsPath}` && head === beside.branch;
  return [...lost.flat(), ...(isAsWas ? [] : [`beside: ${head} ${others}`])];
}

/** They throw it away, so that the checkout has nothing but what landed. */
export async function endEditing({ repository: { git }, tree }: Site): Promise<void> {
  await git("-C", tree.dir, "checkout", "--quiet", "HEAD", "--", theirsPath);
}

type Git = (...args: readonly string[]) => Promise<string>;

async function edit(folder: string, git: Git): Promise<void> {
  writeFileSync(join(folder, theirsPath), staged);
  await git("add", theirsPath);
  writeFileSync(join(folder, theirsPath), edited);
}

/** The main working tree, where the target is checked out in a linked one. */
function besideOf({ repository: { dir }, tree }: Site) {
  if (tree.gitFolder !== "") return { dir, branch: "elsewhere", lock: "index.lock" };
  const lock = `worktrees/${besideName}/index.lock`;
  return { dir: join(dir, "..", besideName), branch: besideName, lock };
}
