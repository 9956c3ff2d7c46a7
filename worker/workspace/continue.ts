import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Oid } from "../../ipc/ids.ts";
import type { Continued, Saved } from "../../ipc/workerMessages.ts";
import { unresolvedBytesMax, unresolvedPathsMax } from "../../ipc/workerMessages.ts";
import { leftMarks } from "../../system/conflictMarkers.ts";
import { failpoint } from "../../system/failpoint.ts";
import { gitLine } from "../../system/git.ts";
import { unlikeIndex } from "./agentIndex.ts";
import { writeAgentGit } from "./agentGit.ts";
import { ownGit } from "./ownGit.ts";
import type { Base, Place, Repository } from "./place.ts";
import { removeAll } from "../../system/removeAll.ts";
import { changedPaths } from "./snapshot.ts";

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
 *
 * Not everything can be marked: where one side deleted or renamed a file, or it is binary, a link or of
 * another mode on both, one of the sides just lies there. So at the end a file that conflicted is still
 * unresolved when
 *
 *     it has marks                              whatever else was done to it
 *     it is exactly as it was laid (or absent)  unless the agent's git calls it settled: `git add`,
 *                                               `git rm` or a commit, as after any merge
 */
export type Laid = {
  readonly earlier: Continued;
  /** Files that conflict, as git's bytes (latin1). */
  readonly conflicted: readonly string[];
  /** Mode and object of those that are laid otherwise than the base has them; zeros: absent. */
  readonly laid: ReadonlyMap<string, string>;
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
    return { earlier, conflicted, laid: await entriesOf(repository, base.tree, tree) };
  });
}

export type Unresolved = Required<Pick<Saved, "unresolved">> & Pick<Saved, "unresolved_total">;

/** What of the conflict is still there in the saved work; `null`: nothing. Throws a `GitError`. */
export async function leftUnresolved(
  place: Place,
  repository: Repository,
  { earlier, conflicted, laid }: Laid,
  { base, commit }: Pick<Saved, "base" | "commit">,
): Promise<Unresolved | null> {
  if (conflicted.length === 0) return null;
  const sides = [earlier.base, earlier.commit];
  const request = { before: base, after: commit, sides, among: new Set(conflicted) };
  const marked = await leftMarks({ gitDir: repository.gitDir }, request);
  const entries = await entriesOf(repository, base, commit);
  const asLaid = conflicted.filter((path) => entries.get(path) === laid.get(path));
  const open = asLaid.length === 0 ? null : await unlikeIndex(place, commit);
  const left = new Set([...marked, ...asLaid.filter((path) => open === null || open.has(path))]);
  return left.size === 0 ? null : listed(conflicted.filter((path) => left.has(path)));
}

function listed(paths: readonly string[]): Unresolved {
  const unresolved: string[] = [];
  let bytes = 0;
  for (const path of paths.slice(0, unresolvedPathsMax)) {
    bytes += path.length;
    if (bytes > unresolvedBytesMax) break;
    unresolved.push(Buffer.from(path, "latin1").toString("utf8"));
  }
  const isAll = unresolved.length === paths.length;
  return { unresolved, ...(isAll ? {} : { unresolved_total: paths.length }) };
}

/** `mode object` of each path that is not as in `before`; zeros where it is absent. */
async function entriesOf(
  repository: Repository,
  before: Oid,
  after: Oid,
): Promise<ReadonlyMap<string, string>> {
  const changes = await changedPaths(repository, before, after);
  return new Map(
    changes.map(({ path, newMode, newOid }) => [path.toString("latin1"), `${newMode} ${newOid}`]),
  );
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
  // Until the next save (settleOwnGit).
  await writeFile(join(place.ownGit, "info/attributes"), plainMarks);
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

/** Counts before what is tracked: shorter marks that are left in a file would not be found (conflictMarkers.ts). */
const plainMarks = "* !conflict-marker-size\n";

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
