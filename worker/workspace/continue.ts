import { join } from "node:path";
import type { Oid } from "../../ipc/ids.ts";
import type { Continued, Saved } from "../../ipc/workerMessages.ts";
import { markedPaths } from "../../system/conflictMarkers.ts";
import { failpoint } from "../../system/failpoint.ts";
import { gitLine } from "../../system/git.ts";
import { writeAgentGit } from "./agentGit.ts";
import { ownGit } from "./ownGit.ts";
import type { Base, Place, Repository } from "./place.ts";
import { removeAll } from "./remove.ts";

/**
 * Lays the change of an earlier attempt, which conflicted, onto the new base:
 *
 *     base ◄── earlier           its change, from its own base
 *       │
 *       └────► new base ◄── tree      merged; what conflicts is marked in the files
 *
 * The agent finds what merged as changes that are staged, and what conflicts as git leaves it after a
 * merge: unmerged in the index, `<<<<<<< orchd/main` … `>>>>>>> attempt-1` in the files. Its HEAD is the
 * new base, so what it leaves is saved and lands as any work. Doing it again gives the same.
 */
export type Laid = {
  /** Files that conflict, as git's bytes (latin1). */
  readonly conflicted: readonly string[];
};

/** Before the program starts, in a workspace that was reset to `base`. Throws a `GitError`. */
export async function layEarlier(
  place: Place,
  repository: Repository,
  base: Base,
  earlier: Continued,
): Promise<Laid> {
  return await failpoint("continue.lay", async () => {
    const { tree, stages } = await mergeOnto(place, repository, base, earlier);
    await ownGit(place, ["read-tree", "--reset", "-u", tree]);
    const conflicted = [...new Set(stages.map((stage) => stage.slice(stage.indexOf("\t") + 1)))];
    if (stages.length > 0)
      await ownGit(place, ["update-index", "-z", "--index-info"], {
        input: unmerged(conflicted, stages),
      });
    // What setup may have made of it is gone: the agent's git is made anew, with our index.
    await removeAll(join(place.workTree, ".git"));
    await writeAgentGit(place, repository, base);
    return { conflicted };
  });
}

/** What of `laid` still has its marks in the saved work; `null`: nothing. Throws a `GitError`. */
export async function leftUnresolved(
  repository: Repository,
  { conflicted }: Laid,
  { base, commit }: Saved,
): Promise<readonly string[] | null> {
  if (conflicted.length === 0) return null;
  const marked = new Set(await markedPaths({ gitDir: repository.gitDir }, base, commit));
  const left = conflicted.filter((path) => marked.has(path));
  return left.length === 0
    ? null
    : left.map((path) => Buffer.from(path, "latin1").toString("utf8"));
}

/** Takes the merged entry of each path out of the index and puts its sides in; git's own format. */
function unmerged(paths: readonly string[], stages: readonly string[]): Buffer {
  const width = stages[0]?.split(" ")[1]?.length ?? 0;
  const gone = paths.map((path) => `0 ${"0".repeat(width)}\t${path}`);
  return Buffer.from([...gone, ...stages].map((line) => `${line}\0`).join(""), "latin1");
}

type Merged = {
  readonly tree: Oid;
  /** `mode oid stage TAB path` for each side of what conflicts. */
  readonly stages: readonly string[];
};

/**
 * git 2.39 cannot be given a base, so three commits are made that have exactly this history. The names
 * that stand at the marks are branches of our own git directory for as long as this takes.
 */
async function mergeOnto(
  place: Place,
  repository: Repository,
  base: Base,
  { base: from, commit, attempt }: Continued,
): Promise<Merged> {
  const env = intoRepository(repository);
  const root = await commitTree(repository, `${from}^{tree}`, []);
  const [ours, theirs] = [
    await commitTree(repository, base.tree, [root]),
    await commitTree(repository, `${commit}^{tree}`, [root]),
  ];
  const names = [repository.landingRef.replace(/^refs\/heads\//, ""), `attempt-${attempt}`];
  const set = [ours, theirs].map((oid, at) => `update refs/heads/${names[at]} ${oid}\n`);
  await ownGit(place, ["update-ref", "--stdin"], { input: set.join("") });
  const flags = ["--write-tree", "-z", "--no-messages"];
  const { stdout } = await ownGit(place, ["merge-tree", ...flags, ...names], {
    env,
    accept: [0, 1],
    bytes: true,
  });
  const gone = names.map((name) => `delete refs/heads/${name}\n`);
  await ownGit(place, ["update-ref", "--stdin"], { input: gone.join("") });
  const [tree = "", ...stages] = stdout.split("\0");
  return { tree: tree as Oid, stages: stages.filter(Boolean) };
}

async function commitTree(
  { gitDir }: Repository,
  tree: string,
  parents: readonly string[],
): Promise<string> {
  const args = ["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent]), "-m", "orchd"];
  return await gitLine({ gitDir }, args, { env: nobody });
}

/** The same commit each time. */
const nobody = {
  GIT_AUTHOR_NAME: "orchd",
  GIT_AUTHOR_EMAIL: "orchd@localhost",
  GIT_AUTHOR_DATE: "@0 +0000",
  GIT_COMMITTER_NAME: "orchd",
  GIT_COMMITTER_EMAIL: "orchd@localhost",
  GIT_COMMITTER_DATE: "@0 +0000",
};

/** Where the agent's git finds them too. */
function intoRepository({ gitDir }: Repository): Record<string, string> {
  return { GIT_OBJECT_DIRECTORY: join(gitDir, "objects") };
}
