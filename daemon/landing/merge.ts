import type { Oid, TaskId } from "../../ipc/ids.ts";
import { unreachable } from "../../ipc/errors.ts";
import { absorbed } from "./absorb.ts";
import type { Absorbed } from "./absorb.ts";
import { candidateRef, conflictRef, isAncestor, stoppedBy, transact } from "./branch.ts";
import type { Broken, Commit, Fenced, Held, Identity, Writer } from "./branch.ts";
import { generatedMeeting, hasTree } from "./generatedFiles.ts";
import type { GeneratedMeeting } from "./generatedFiles.ts";
import { commitMessage, parseAuthor } from "./message.ts";
import { writeLanded } from "./signedCommit.ts";
import { mergeRulesBetween } from "./mergeRules.ts";
import { mergeTree, mergeTreeOnBase, writeCommit } from "./mergeTree.ts";
import type { MergedTree } from "./mergeTree.ts";
import { parkedCommit } from "./parked.ts";
import type { MergeRuleChanges } from "../../ipc/mergeRules.ts";
import { failpoint } from "../../system/failpoint.ts";
import type { Trailers } from "../../ipc/trailers.ts";

/**
 * From saved work to a candidate: exactly the commit that the gate tests and `move` lands.
 *
 *     absorb → merge in the object store → commit (one parent: the tip) → pin
 *                  └─ generated files changed on both sides → a commit to make them on → pin
 *
 * The same request on the same tip gives the same object name (a signed one: the pinned object), so a
 * step cut off anywhere is simply done again. Nobody's branch moves here, except that a person's own commits are absorbed first.
 */
export type MergeRequest = {
  readonly task: TaskId;
  readonly attempt: number;
  /** The attempt's saved commit; descends from `base`. */
  readonly saved: Oid;
  readonly base: Oid;
  readonly message: string;
  /** `Name <mail>`; `null`: the person's identity. */
  readonly author: string | null;
  readonly trailers: Trailers;
  /** Both dates of the commit, milliseconds since 1970; journaled by the caller, for a redo. */
  readonly at_ms: number;
  /** A candidate to merge onto; absent: the branch's tip. It lands only together with that one. */
  readonly onto?: { readonly commit: Oid; readonly tree: Oid };
  /** Files that are made by commands, so not merged as text; absent: the work has none of them. */
  readonly generated?: {
    readonly globs: readonly string[];
    /** A merge that comes to the tree `from` is to have `tree`. */
    readonly regenerated?: { readonly from: Oid; readonly tree: Oid };
  };
};

export type MergeResult =
  | {
      readonly kind: "candidate";
      readonly candidate: Oid;
      readonly tree: Oid;
      readonly onto: Oid;
      readonly ontoTree: Oid;
      /** What it changes in how files merge after it; absent: nothing. */
      readonly mergeRules?: MergeRuleChanges;
    }
  /**
   * Generated files were changed on both sides: they are to be made on `commit`, of `tree`, and merging
   * is to be asked for again with what they came to.
   */
  | ({ readonly kind: "generate"; readonly commit: Oid } & GeneratedMeeting)
  /** The tip already holds every change of it. */
  | { readonly kind: "no_change"; readonly onto: Oid }
  /** `ref` pins both sides and their base (parked.ts); `ours`: what it was merged onto. */
  | {
      readonly kind: "conflict";
      readonly paths: readonly string[];
      /** How many files; absent: as many as are named. */
      readonly paths_total?: number;
      readonly ref: string;
      readonly ours: Oid;
    }
  /** With a candidate that it was to land behind. That may never land, so nothing is pinned. */
  | { readonly kind: "conflict_ahead" }
  | Held
  | Fenced
  | Broken;

export async function merge(writer: Writer, request: MergeRequest): Promise<MergeResult> {
  try {
    const start = await startOf(writer, request);
    if (start.kind !== "ready") return start;
    const merged = await mergedTree(writer, start.tip, request);
    const meeting = await meetingOf(writer, start.tip.oid, request, merged);
    if (meeting !== null) return await generated(writer, request, start.tip, meeting);
    switch (merged.kind) {
      case "clean":
        return await candidate(writer, request, start.tip, merged.tree);
      case "conflict":
        return await conflict(writer, request, start.tip.oid, merged);
      default:
        return unreachable(merged);
    }
  } catch (error) {
    return stoppedBy(error);
  }
}

/** Whether the branch is still where the front of the chain was merged onto shows when it is moved. */
async function startOf(writer: Writer, { onto }: MergeRequest): Promise<Absorbed> {
  if (onto === undefined) return (await absorbed(writer)).absorbed;
  return { kind: "ready", tip: { oid: onto.commit, tree: onto.tree }, target: null };
}

async function mergedTree(writer: Writer, tip: Commit, request: MergeRequest): Promise<MergedTree> {
  const merging = mergeTree(writer, tip, request.saved);
  // git merges no unrelated histories, and a person may have begun the target anew.
  const ended = merging.then(
    () => undefined,
    () => undefined,
  );
  const contained = await contains(writer, tip.oid, request.base);
  if (contained) return await merging;
  await ended;
  const { base, saved: theirs } = request;
  return await mergeTreeOnBase(writer, { base, ours: tip.oid, theirs });
}

async function contains(writer: Writer, tip: Oid, base: Oid): Promise<boolean> {
  return writer.git.lineage.contains(tip, base) || (await isAncestor(writer, base, tip));
}

async function meetingOf(
  writer: Writer,
  ours: Oid,
  { base, saved: theirs, generated: declared }: MergeRequest,
  merged: MergedTree,
): Promise<GeneratedMeeting | null> {
  if (declared === undefined || declared.globs.length === 0) return null;
  return await generatedMeeting(writer, { base, ours, theirs }, merged, declared.globs);
}

/** With what they came to, if that is known; else the commit on which they are to be made, pinned. */
async function generated(
  writer: Writer,
  request: MergeRequest,
  onto: Commit,
  meeting: GeneratedMeeting,
): Promise<MergeResult> {
  const known = request.generated?.regenerated;
  if (known?.from === meeting.tree && (await hasTree(writer, known.tree)))
    return await candidate(writer, request, onto, known.tree);
  const commit = await writeCommit(writer, {
    tree: meeting.tree,
    parents: [onto.oid],
    message: `orchd: generated files of ${request.task}\n`,
    author: writer.identity,
    atMs: request.at_ms,
  });
  const ref = candidateRef(request.task);
  const pinned = await failpoint("merge.generated", () =>
    transact(writer, [{ ref, to: commit, from: "any" }]),
  );
  return pinned.kind === "done" ? { kind: "generate", commit, ...meeting } : pinned;
}

async function candidate(
  writer: Writer,
  request: MergeRequest,
  onto: Commit,
  tree: Oid,
): Promise<MergeResult> {
  if (tree === onto.tree) return { kind: "no_change", onto: onto.oid };
  const author = authorOf(writer, request);
  if (author === null)
    return { kind: "problem", message: `"${request.author ?? ""}" is not of the form Name <mail>` };
  const ref = candidateRef(request.task);
  const asked = { tree, parents: [onto.oid], message: commitMessage(request), author };
  const [commit, rules] = await bothOf(
    writeLanded(writer, { ...asked, atMs: request.at_ms }, ref),
    mergeRulesBetween(writer, onto.tree, tree),
  );
  writer.git.lineage.learn(commit, tree, onto.oid);
  const pinned = await failpoint("merge.pin", () =>
    transact(writer, [{ ref, to: commit, from: "any" }]),
  );
  if (pinned.kind !== "done") return pinned;
  const made = { candidate: commit, tree, onto: onto.oid, ontoTree: onto.tree };
  return { kind: "candidate", ...made, ...(rules === null ? {} : { mergeRules: rules }) };
}

/** Nothing of it goes on when one of them has failed. */
async function bothOf<One, Other>(
  one: Promise<One>,
  other: Promise<Other>,
): Promise<readonly [One, Other]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

function authorOf(writer: Writer, { author }: MergeRequest): Identity | null {
  return author === null ? writer.identity : parseAuthor(author);
}

async function conflict(
  writer: Writer,
  request: MergeRequest,
  ours: Oid,
  { paths, all, tree }: Extract<MergedTree, { kind: "conflict" }>,
): Promise<MergeResult> {
  if (request.onto !== undefined) return { kind: "conflict_ahead" };
  const ref = conflictRef(request.task);
  const to = await parkedCommit(writer, { ...request, ours, tree });
  const pinned = await failpoint("merge.conflict", () =>
    transact(writer, [{ ref, to, from: "any" }]),
  );
  if (pinned.kind !== "done") return pinned;
  const more = all.length > paths.length ? { paths_total: all.length } : {};
  return { kind: "conflict", paths, ...more, ref, ours };
}
