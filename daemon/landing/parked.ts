import { gitLine, git } from "../../system/git.ts";
import { isOid } from "../../ipc/ids.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";
import { mustBeOid, writeCommit } from "./mergeTree.ts";
import { cleanText } from "../../ipc/commitText.ts";
import type { Writer } from "./branch.ts";

/**
 * Work that does not merge is kept as one commit, under `refs/orchd/conflicts/<task>`, with both sides
 * and their base as its parents, numbered as git numbers the stages of a conflict:
 *
 *     ^1  base     what the work began with
 *     ^2  ours     what it was to be merged onto: orchd's branch, with what landed meanwhile
 *     ^3  theirs   the work: one commit on the base
 *     its tree     the merge, with the conflicts marked
 *
 * So `git cherry-pick <ref>^3` on `<ref>^2` meets exactly this conflict, whatever became of the branch.
 */
export type Parked = { readonly base: Oid; readonly ours: Oid; readonly theirs: Oid };

/** The same input gives the same object name. Throws a `GitError`. */
export async function parkedCommit(
  writer: Writer,
  work: {
    readonly task: TaskId;
    readonly base: Oid;
    readonly saved: Oid;
    readonly ours: Oid;
    /** The merge, with the conflicts marked. */
    readonly tree: Oid;
    readonly message: string;
    readonly at_ms: number;
  },
): Promise<Oid> {
  const { task, base, ours, tree, at_ms: atMs } = work;
  const author = writer.identity;
  const theirs = await writeCommit(writer, {
    tree: mustBeOid(await gitLine(writer.place, ["rev-parse", "--verify", `${work.saved}^{tree}`])),
    parents: [base],
    message: `${cleanText(work.message) || task}\n`,
    author,
    atMs,
  });
  const parents = [base, ours, theirs];
  const message = `orchd: ${task} conflicts\n\nParents: base, ours (what it met), theirs (the task).\n`;
  return await writeCommit(writer, { tree, parents, message, author, atMs });
}

/** `null`: nothing is kept there, or by a version that kept only the work. Throws a `GitError`. */
export async function readParked({ place }: Writer, ref: string): Promise<Parked | null> {
  const args = ["rev-parse", "--quiet", "--verify", `${ref}^{commit}`];
  const found = await git(place, args, { accept: [0, 1] });
  if (found.code !== 0) return null;
  const parents = (await gitLine(place, ["rev-parse", `${found.stdout.trim()}^@`])).split("\n");
  const [base = "", ours = "", theirs = ""] = parents;
  if (parents.length !== 3 || !isOid(base) || !isOid(ours) || !isOid(theirs)) return null;
  return { base, ours, theirs };
}
