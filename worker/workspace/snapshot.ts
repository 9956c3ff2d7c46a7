import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SavePolicy } from "../../ipc/configSpec.ts";
import type { Oid } from "../../ipc/ids.ts";
import { git, GitError } from "../../system/git.ts";
import type { Finished } from "../../system/spawn.ts";
import { setRepositoriesAside } from "./embedded.ts";
import { keepBack } from "./keepBack.ts";
import { durable, ownGit } from "./ownGit.ts";
import { WorkspaceError } from "./place.ts";
import type { Base, Owner, Place, Repository } from "./place.ts";
import { makeReadable } from "../../system/removeAll.ts";
import { failpoint } from "../../system/failpoint.ts";

/** One entry of `diff-tree --raw`; the path is bytes, since names need not be UTF-8. */
export type Change = {
  readonly oldMode: string;
  readonly newMode: string;
  readonly newOid: string;
  readonly path: Buffer;
};

export const gitlinkMode = "160000";
/** A repository in a repository in a repository …: each round brings one level to light. */
const roundsMax = 8;
/** Turns off every conversion, for content that the workspace's own .gitattributes make impossible to add. */
const plainAttributes = "* -text -ident !filter !working-tree-encoding !eol\n";

/**
 * Writes the files of the workspace as a tree, straight into the repository's object store, synced.
 *
 *     add --update            tracked files that changed     ┐ at the same time
 *     ls-files --others       names of new files             ┘
 *     keep back               new files that do not belong in git go aside, unread by git
 *     update-index --stdin    the other new files
 *     write-tree
 *
 * Three things make that fail or silently leave content out, so each is mended and it is done
 * again: an embedded repository (git would record only the name of its commit: its `.git` is set
 * aside and its files become ordinary files), files without read permission or of a kind git cannot
 * keep, and .gitattributes that cannot be obeyed.
 */
export async function snapshot(
  place: Place,
  repository: Repository,
  request: SnapshotRequest,
): Promise<Snapshot> {
  let mended = false;
  for (let round = 0; round < roundsMax; round += 1) {
    const { problem, hidden, done } = await takeOnce(place, repository, request);
    if (done !== null) return done;
    await failpoint("snapshot.again", () => ownGit(place, ["read-tree", request.base.commit]));
    await setRepositoriesAside(place, request, hidden);
    if (hidden.length > 0) continue;
    if (problem === null) throw new WorkspaceError("git calls a folder a repository");
    if (mended) throw tooDeep(problem) ?? problem;
    mended = true;
    await makeReadable(place.workTree);
    await failpoint("snapshot.attributes", () =>
      writeFile(join(place.ownGit, "info/attributes"), plainAttributes),
    );
  }
  throw new WorkspaceError(`repositories are embedded in each other more than ${roundsMax} deep`);
}

type SnapshotRequest = Owner & { readonly base: Base; readonly policy?: SavePolicy };
type Snapshot = { readonly tree: Oid; readonly changes: readonly Change[] };
type Round = {
  readonly problem: GitError | null;
  /** Folders that are repositories themselves, outermost first. */
  readonly hidden: readonly Buffer[];
  readonly done: Snapshot | null;
};

async function takeOnce(
  place: Place,
  repository: Repository,
  request: SnapshotRequest,
): Promise<Round> {
  const [updated, listed] = await Promise.all([addChanged(place, repository), listNew(place)]);
  // git lists the files of a folder one by one, but an embedded repository as `folder/`.
  const hidden = listed.paths
    .filter((path) => path.at(-1) === slash)
    .map((path) => path.subarray(0, -1));
  const problem = updated ?? listed.problem;
  if (problem !== null || hidden.length > 0) return { problem, hidden, done: null };
  const { policy } = request;
  const aside = policy === undefined ? none : await keepBack(place, request, listed.paths, policy);
  const fresh = listed.paths.filter((path) => !aside.has(path.toString("latin1")));
  const refused = await addNew(place, repository, fresh);
  if (refused !== null) return { problem: refused, hidden, done: null };
  const tree = await writeTree(place, repository);
  const changes = await changedPaths(repository, request.base.tree, tree);
  // One that took the place of a tracked file is not listed as new.
  const gitlinks = changes.filter(isNewGitlink).map((change) => change.path);
  return gitlinks.length > 0
    ? { problem: null, hidden: gitlinks, done: null }
    : { problem: null, hidden, done: { tree, changes } };
}

const none: ReadonlySet<string> = new Set();
const slash = "/".codePointAt(0);

/** git cuts its own message off at 4,096 bytes, so the reason may not stand in it. */
function tooDeep({ result }: GitError): WorkspaceError | null {
  const name = /open directory '(.{60}).{2000}/s.exec(result.stderr)?.[1];
  return name === undefined
    ? null
    : new WorkspaceError(`folders are nested deeper than git can name them, below ${name}…`);
}

/** What differs between two trees (or commits), in byte order of the paths. */
export async function changedPaths(
  repository: Repository,
  before: Oid,
  after: Oid,
): Promise<readonly Change[]> {
  if (before === after) return [];
  const { stdout } = await git(
    { gitDir: repository.gitDir },
    ["diff-tree", "-r", "-z", "--raw", "--no-renames", before, after],
    { bytes: true },
  );
  const fields = stdout.split("\0");
  const changes: Change[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [oldMode = "", newMode = "", , newOid = ""] = (fields[i] ?? "").slice(1).split(" ");
    changes.push({ oldMode, newMode, newOid, path: Buffer.from(fields[i + 1] ?? "", "latin1") });
  }
  return changes;
}

const adding = { ...durable, "core.safecrlf": "false", "advice.addEmbeddedRepo": "false" } as const;
/** git's words, with which it leaves out a folder and succeeds all the same. */
const leftOut = /Permission denied|could not open directory|File name too long/;

/** Brings the index up to date with every tracked file. Answers what git could not add. */
async function addChanged(place: Place, repository: Repository): Promise<GitError | null> {
  return await failpoint("snapshot.add", () =>
    problemOf("add", () =>
      ownGit(place, ["add", "--update"], { env: intoRepository(repository), config: adding }),
    ),
  );
}

/** New files that are not ignored, as bytes, and what git could not even see. */
async function listNew(
  place: Place,
): Promise<{ readonly paths: readonly Buffer[]; readonly problem: GitError | null }> {
  let paths: readonly Buffer[] = [];
  const problem = await problemOf("ls-files", async () => {
    const args = ["ls-files", "--others", "--exclude-standard", "-z"];
    const listed = await ownGit(place, args, { bytes: true });
    const names = listed.stdout.split("\0").filter((path) => path !== "");
    paths = names.map((path) => Buffer.from(path, "latin1"));
    return listed;
  });
  return { paths, problem };
}

async function addNew(
  place: Place,
  repository: Repository,
  paths: readonly Buffer[],
): Promise<GitError | null> {
  if (paths.length === 0) return null;
  const input = Buffer.concat(paths.flatMap((path) => [path, Buffer.of(0)]));
  return await failpoint("snapshot.new", () =>
    problemOf("update-index", () =>
      ownGit(place, ["update-index", "--add", "--replace", "-z", "--stdin"], {
        env: intoRepository(repository),
        config: adding,
        input,
      }),
    ),
  );
}

async function problemOf(what: string, step: () => Promise<Finished>): Promise<GitError | null> {
  try {
    const result = await step();
    return leftOut.test(result.stderr) ? new GitError([what], result) : null;
  } catch (error) {
    if (error instanceof GitError) return error;
    throw error;
  }
}

export async function writeTree(place: Place, repository: Repository): Promise<Oid> {
  const { stdout } = await failpoint("snapshot.tree", () =>
    ownGit(place, ["write-tree"], {
      env: intoRepository(repository),
      config: durable,
    }),
  );
  return stdout.trim() as Oid;
}

/** A submodule the base already had may move on; any other gitlink hides content. */
function isNewGitlink(change: Change): boolean {
  return change.newMode === gitlinkMode && change.oldMode !== gitlinkMode;
}

function intoRepository(repository: Repository): Record<string, string> {
  return { GIT_OBJECT_DIRECTORY: join(repository.gitDir, "objects") };
}
