import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Oid } from "../../ipc/ids.ts";
import { git, GitError } from "../../system/git.ts";
import { embeddedRepositories, setRepositoriesAside } from "./embedded.ts";
import { durable, ownGit } from "./ownGit.ts";
import { WorkspaceError } from "./place.ts";
import type { Base, Owner, Place, Repository } from "./place.ts";
import { makeReadable } from "./remove.ts";
import { failpoint } from "../../system/failpoint.ts";

/** One entry of `diff-tree --raw`; the path is bytes, since names need not be UTF-8. */
export type Change = {
  readonly oldMode: string;
  readonly newMode: string;
  readonly path: Buffer;
};

const gitlinkMode = "160000";
/** A repository in a repository in a repository …: each round brings one level to light. */
const roundsMax = 8;
/** Turns off every conversion, for content that the workspace's own .gitattributes make impossible to add. */
const plainAttributes = "* -text -ident !filter !working-tree-encoding !eol\n";

/**
 * Writes the files of the workspace as a tree, straight into the repository's object store, synced.
 *
 * Three things make a plain `git add --all` fail or silently leave content out, so each is mended and
 * the add is done again: an embedded repository (git would record only the name of its commit: its
 * `.git` is set aside and its files become ordinary files), files without read permission or of a kind
 * git cannot keep, and .gitattributes that cannot be obeyed.
 */
export async function snapshot(
  place: Place,
  repository: Repository,
  request: Owner & { readonly base: Base },
): Promise<{ readonly tree: Oid; readonly changes: readonly Change[] }> {
  let mended = false;
  for (let round = 0; round < roundsMax; round += 1) {
    const problem = await addAll(place, repository);
    let hidden: readonly Buffer[] = [];
    if (problem === null) {
      const tree = await writeTree(place, repository);
      const changes = await changedPaths(repository, request.base.tree, tree);
      hidden = changes.filter(isNewGitlink).map((change) => change.path);
      if (hidden.length === 0) return { tree, changes };
    }
    await failpoint("snapshot.again", () => ownGit(place, ["read-tree", request.base.commit]));
    const embedded = await embeddedRepositories(place, hidden);
    await setRepositoriesAside(place, request, embedded);
    if (embedded.length > 0) continue;
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
    const [oldMode = "", newMode = ""] = (fields[i] ?? "").slice(1).split(" ");
    changes.push({ oldMode, newMode, path: Buffer.from(fields[i + 1] ?? "", "latin1") });
  }
  return changes;
}

/** git's words, with which it leaves out a folder and succeeds all the same. */
const leftOut = /Permission denied|could not open directory|File name too long/;

/** What git could not add or could not even see; `null`: everything is in the index. */
async function addAll(place: Place, repository: Repository): Promise<GitError | null> {
  return await failpoint("snapshot.add", async () => {
    const args = ["add", "--all"];
    try {
      const result = await ownGit(place, args, {
        env: intoRepository(repository),
        config: { ...durable, "core.safecrlf": "false", "advice.addEmbeddedRepo": "false" },
      });
      return leftOut.test(result.stderr) ? new GitError(args, result) : null;
    } catch (error) {
      if (error instanceof GitError) return error;
      throw error;
    }
  });
}

async function writeTree(place: Place, repository: Repository): Promise<Oid> {
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
