import type { Oid } from "../../ipc/ids.ts";
import { othersMax } from "../../ipc/workerMessages.ts";
import { commitTree } from "./save.ts";
import { updateRef } from "./updateRef.ts";
import { clearIndexLock, durable, ownGit } from "./ownGit.ts";
import { pathGlob } from "./pathGlob.ts";
import type { Base, Owner, Place, Repository } from "./place.ts";
import { snapshot, writeTree } from "./snapshot.ts";
import type { Change } from "./snapshot.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * Of what commands left in a workspace, exactly the files they were to make, on top of the base's tree:
 *
 *     files of the workspace ──add, write-tree──► everything ──diff──► base + the declared files
 *
 * In the repository's object store, synced, and pinned as `refs/orchd/generated/<task>`.
 */
export type GeneratedTree = {
  readonly tree: Oid;
  /** The first of the other paths that changed; they are left out. */
  readonly others: readonly string[];
};

/** Throws a `GitError`, a `WorkspaceError` or an error of the file system. */
export async function saveGenerated(
  place: Place,
  repository: Repository,
  request: Owner & { readonly base: Base; readonly startedAt: number },
  globs: readonly string[],
): Promise<GeneratedTree> {
  await clearIndexLock(place);
  const { base } = request;
  const whole = await snapshot(place, repository, request);
  const isDeclared = declared(globs);
  const made = whole.changes.filter(isDeclared);
  const others = whole.changes.filter((change) => !isDeclared(change));
  const tree = others.length === 0 ? whole.tree : await treeWith(place, repository, base, made);
  await failpoint("generated.ref", async () => {
    const commit = await commitTree(repository, request, tree, [base.commit]);
    await updateRef(repository, `refs/orchd/generated/${request.task}`, commit);
  });
  return { tree, others: others.slice(0, othersMax).map(({ path }) => path.toString("utf8")) };
}

/** In the grammar of claims, where a glob without wildcards is that path and nothing below it. */
function declared(globs: readonly string[]): (change: Change) => boolean {
  const matchers = globs.map((glob) =>
    /[*?{]|\/$/.test(glob) ? pathGlob(glob).matches : (path: string) => path === glob,
  );
  return ({ path }) => matchers.some((matches) => matches(path.toString("utf8")));
}

async function treeWith(
  place: Place,
  repository: Repository,
  base: Base,
  changes: readonly Change[],
): Promise<Oid> {
  const lines = changes.map(({ newMode, newOid, path }) =>
    Buffer.concat([Buffer.from(`${newMode} ${newOid}\t`), path, Buffer.from("\0")]),
  );
  const input = Buffer.concat(lines);
  return await failpoint("generated.tree", async () => {
    await ownGit(place, ["read-tree", base.commit]);
    await ownGit(place, ["update-index", "-z", "--index-info"], { input, config: durable });
    return await writeTree(place, repository);
  });
}
