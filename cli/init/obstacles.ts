import { git } from "../../system/git.ts";
import type { GitPlace } from "../../system/git.ts";
import type { Repository } from "../../system/repository.ts";
import { homeOf } from "./environment.ts";
import type { Environment } from "./environment.ts";

/** Why orchd cannot work in a repository, said of the repository: `has no commit yet`; and the way out. */
export type Obstacle = { readonly message: string; readonly hint: string };

export async function obstaclesTo(
  repository: Repository,
  target: string | null,
  env: Environment,
): Promise<Obstacle[]> {
  const { commonDir, workTree } = repository;
  const place: GitPlace = { gitDir: commonDir, configuration: "person" };
  const found: (Obstacle | null)[] = [
    workTree === null ? bare : null,
    repository.head.commit === null ? noCommit : null,
    repository.shallow ? shallow : null,
    repository.partial ? partial : null,
    (await hasBranch(place, "orchd")) ? branchInTheWay : null,
    await targetObstacle(place, repository, target),
    (await hasIdentity(place, env)) ? null : noIdentity,
  ];
  return found.filter((obstacle) => obstacle !== null);
}

const bare: Obstacle = {
  message: "is bare: it has no working tree to keep .aibrain/ and orchd.yaml in",
  hint: "Make a clone with a working tree and use that.",
};
const noCommit: Obstacle = {
  message: "has no commit yet, so there is nothing to start work from",
  hint: "Make a first commit.",
};
const shallow: Obstacle = {
  message: "is a shallow clone: histories that are cut off cannot be merged safely",
  hint: "`git fetch --unshallow` brings the rest.",
};
const partial: Obstacle = {
  message: "is a partial clone: its workspaces would lack objects",
  hint: "Clone it again without --filter.",
};
const branchInTheWay: Obstacle = {
  message: "has a branch named orchd, beside which git cannot keep orchd/<target>",
  hint: "`git branch -m orchd another-name` renames it.",
};
const noIdentity: Obstacle = {
  message: "has no git identity (user.name and user.email) to commit with",
  hint: '`git config user.name "Your Name"` and `git config user.email you@example.com` set it.',
};

async function targetObstacle(
  place: GitPlace,
  { head }: Repository,
  target: string | null,
): Promise<Obstacle | null> {
  if (target === null)
    return {
      message: "has no branch checked out (HEAD is detached), so the target is not known",
      hint: "Check a branch out, or name one with --target.",
    };
  if (target.startsWith("orchd/"))
    return {
      message: `has ${target} as target, which is orchd's own branch`,
      hint: "Check your own branch out, or name one with --target.",
    };
  if (head.commit === null || (await hasBranch(place, target))) return null;
  return { message: `has no branch ${target}`, hint: "`git branch` lists the ones there are." };
}

async function hasBranch(place: GitPlace, name: string): Promise<boolean> {
  const args = ["show-ref", "--verify", "--quiet", `refs/heads/${name}`];
  return (await git(place, args, { accept: [0, 1, 128] })).code === 0;
}

async function hasIdentity(place: GitPlace, env: Environment): Promise<boolean> {
  const options = { accept: [0, 1], env: homeOf(env) };
  const [name, email] = await Promise.all([
    git(place, ["config", "--get", "user.name"], options),
    git(place, ["config", "--get", "user.email"], options),
  ]);
  return name.stdout.trim() !== "" && email.stdout.trim() !== "";
}
