import { GitError, git, gitLine } from "../../system/git.ts";
import type { GitOptions, GitPlace } from "../../system/git.ts";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import { committerOf, synced } from "./branch.ts";
import type { Commit, Writer } from "./branch.ts";
import { commitContent } from "./commitContent.ts";
import type { NewCommit } from "./commitContent.ts";
import { askMerge } from "./keptMerges.ts";
import type { Merged } from "./keptMerges.ts";
import { hashCommit } from "./writerGit.ts";
import { failpoint } from "../../system/failpoint.ts";

/** Merging and committing in the object store: no working tree, no index, nobody's checkout. */
export type MergedTree =
  | { readonly kind: "clean"; readonly tree: Oid }
  | {
      readonly kind: "conflict";
      /** With conflict markers, or whatever git leaves. */
      readonly tree: Oid;
      /** As they are shown: the first ones. */
      readonly paths: readonly string[];
      /** All of them, in git's bytes, one character a byte. */
      readonly all: readonly string[];
    };

/** The first ones in a conflict of many files; they go into the journal and over the socket. */
const conflictPathsMax = 1_000;

/**
 * Three-way merge, renames honoured, by the attributes of `ours`; the base is found from history. Throws
 * a `GitError`.
 */
export async function mergeTree(writer: Writer, ours: Commit, theirs: Oid): Promise<MergedTree> {
  const { clean, tree, paths } = await failpoint("merge.tree", () =>
    mergeByAttributes(writer, ours, theirs),
  );
  if (clean) return { kind: "clean", tree: mustBeOid(tree) };
  const all = [...new Set(paths)];
  const shown = all.slice(0, conflictPathsMax).map(shownPath);
  return { kind: "conflict", tree: mustBeOid(tree), paths: shown, all };
}

/** They are nearly always those of the merge before, so it does not wait for the look at them. */
async function mergeByAttributes(writer: Writer, ours: Commit, theirs: Oid): Promise<Merged> {
  const likely = writer.attributes.place;
  const [merged, place] = await Promise.all([
    mergeKept(writer, likely, ours.oid, theirs),
    writer.attributes.placeOf(ours.tree),
  ]);
  return place === likely ? merged : await mergeKept(writer, place, ours.oid, theirs);
}

/** By the git that is kept for it; by a new one where there is none, or where that one failed. */
async function mergeKept(writer: Writer, place: GitPlace, ours: Oid, theirs: Oid): Promise<Merged> {
  const kept = await writer.git.merges.at(place);
  const merged = kept === null ? null : await answerOf(askMerge(kept, ours, theirs));
  return merged ?? (await mergeOnce(place, ours, theirs));
}

async function mergeOnce(place: GitPlace, ours: Oid, theirs: Oid): Promise<Merged> {
  const flags = ["--write-tree", "-z", "--name-only", "--no-messages"];
  const options = { config: synced, accept: [0, 1], bytes: true };
  const merged = await git(place, ["merge-tree", ...flags, ours, theirs], options);
  const [tree = "", ...paths] = merged.stdout.split("\0");
  // It ends with 1 as well when there is nothing to merge: no such commit, for example.
  if (!isOid(tree)) throw new GitError(["merge-tree"], merged);
  return { clean: merged.code === 0, tree, paths: paths.filter(Boolean) };
}

/** What a kept git answered; `null`: it failed, and one that is started for it may not, or says why. */
async function answerOf<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  return await asked.catch((error: unknown) => {
    if (error instanceof GitError) return null;
    throw error;
  });
}

/**
 * Merges the change `base`→`theirs` onto `ours` when `ours` no longer contains `base`, because a
 * person reset it away: with the base from history the merge would bring back what they reset.
 * git 2.39 cannot be given a base, so three commits are made that have exactly this history.
 */
export async function mergeTreeOnBase(
  writer: Writer,
  trees: { readonly base: Oid; readonly ours: Oid; readonly theirs: Oid },
): Promise<MergedTree> {
  const commit = (tree: Oid, parents: readonly Oid[]): Promise<Oid> =>
    writeCommit(writer, { tree, parents, message: "orchd\n", author: writer.identity, atMs: 0 });
  const treeOf = async (oid: Oid): Promise<Oid> =>
    mustBeOid(await gitLine(writer.place, ["rev-parse", "--verify", `${oid}^{tree}`]));
  const base = await commit(await treeOf(trees.base), []);
  const tree = await treeOf(trees.ours);
  const ours = await commit(tree, [base]);
  const theirs = await commit(await treeOf(trees.theirs), [base]);
  return await mergeTree(writer, { oid: ours, tree }, theirs);
}

/** Writes a commit object, synced and not signed. Throws a `GitError`. */
export async function writeCommit(writer: Writer, commit: NewCommit): Promise<Oid> {
  return await failpoint("merge.commit", () => commitKept(writer, commit));
}

async function commitKept(writer: Writer, commit: NewCommit): Promise<Oid> {
  const content = commitContent({ ...commit, committer: writer.identity });
  const kept = content === null ? null : await answerOf(hashCommit(writer.git, content));
  return kept ?? (await commitOnce(writer, commit));
}

async function commitOnce(writer: Writer, commit: NewCommit): Promise<Oid> {
  const { args, options } = commitCall(writer, commit, []);
  return mustBeOid(await gitLine(writer.place, args, options));
}

/** How a git is called that writes a commit and prints its name. */
export function commitCall(
  writer: Writer,
  commit: NewCommit,
  flags: readonly string[],
): {
  readonly args: readonly string[];
  readonly options: Required<Pick<GitOptions, "config" | "env">> & { readonly input: string };
} {
  const date = `@${Math.floor(commit.atMs / 1000)} +0000`;
  const parents = commit.parents.flatMap((parent) => ["-p", parent]);
  return {
    args: ["commit-tree", ...flags, ...parents, "-F", "-", commit.tree],
    options: {
      input: commit.message,
      config: { ...synced, "i18n.commitEncoding": "UTF-8" },
      env: {
        ...committerOf(writer.identity),
        GIT_AUTHOR_NAME: commit.author.name,
        GIT_AUTHOR_EMAIL: commit.author.email,
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_DATE: date,
      },
    },
  };
}

export function mustBeOid(text: string): Oid {
  if (!isOid(text)) throw new Error(`git printed ${JSON.stringify(text)} for an object name`);
  return text;
}

/** A path as git's bytes (one character a byte) → text for people; what is not UTF-8 shows as �. */
export function shownPath(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8");
}
