import { git } from "../../system/git.ts";
import { isOid, isTaskId } from "../../ipc/ids.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";
import { checkedOut, rewoundNow } from "./absorb.ts";
import { branchRef, brokenBy, held, transact } from "./branch.ts";
import type { Broken, Fenced, Held, LandingSite, Writer } from "./branch.ts";
import { refsNow } from "./refsNow.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * The moment a task lands: orchd's branch moves from `onto` to the candidate in one transaction that
 * also verifies the epoch. **Landed means: the candidate is on the branch's first-parent chain**;
 * that is what is looked at when a move is asked for a second time.
 */
export type MoveRequest = { readonly task: TaskId; readonly candidate: Oid; readonly onto: Oid };

export type MoveResult =
  | { readonly kind: "moved" }
  | { readonly kind: "already" }
  /** The branch is no longer at `onto`: merge again on `tip`. */
  | { readonly kind: "outdated"; readonly tip: Oid }
  | Held
  | Fenced
  | Broken;

export async function move(writer: Writer, request: MoveRequest): Promise<MoveResult> {
  try {
    const before = await settled(writer, request);
    if (before !== null) return before;
    const change = { ref: branchRef(writer), to: request.candidate, from: request.onto };
    const done = await failpoint("move.branch", () => transact(writer, [change]));
    if (done.kind === "problem") return (await settled(writer, request)) ?? done;
    if (done.kind === "fenced") return done;
    readyToMerge(writer, request.candidate);
    return { kind: "moved" };
  } catch (error) {
    return brokenBy(error);
  }
}

/** A landing is over: the next merge is not to wait for its git to start, nor for the look at attributes. */
function readyToMerge({ git: kept, attributes }: Writer, tip: Oid): void {
  kept.merges.ready(attributes.place);
  const tree = kept.lineage.treeOf(tip);
  // What goes wrong goes wrong again at the next merge, which says so.
  if (tree !== null) attributes.placeOf(tree).catch(() => {});
}

/** The answer when there is nothing to move or it may not be; `null`: the branch is at `onto`. */
async function settled(writer: Writer, request: MoveRequest): Promise<MoveResult | null> {
  const refs = await refsNow(writer);
  const { tip, epoch, checkedOutAt } = refs;
  if (epoch !== writer.epochOid) return { kind: "fenced" };
  if (tip === null) return held("branch_missing", `the branch orchd/${writer.target} is gone`);
  if (tip.oid === request.candidate) return { kind: "already" };
  if (tip.oid !== request.onto)
    return (await isOnChain(writer, request, tip.oid))
      ? { kind: "already" }
      : { kind: "outdated", tip: tip.oid };
  // Whoever accepts the rewind afterwards would take it off the branch again.
  return checkedOutAt === null ? await rewoundNow(writer, refs) : checkedOut(writer, checkedOutAt);
}

async function isOnChain(site: LandingSite, request: MoveRequest, tip: Oid): Promise<boolean> {
  const args = ["rev-list", "--first-parent", tip, `^${request.onto}`];
  return (await git(site.place, args)).stdout.split("\n").includes(request.candidate);
}

export type LandedTask = {
  readonly task: TaskId;
  readonly attempt: number;
  readonly commit: Oid;
};

/**
 * What the trailers on the first-parent chain say has landed, oldest first; `since` excludes a commit
 * and everything below it. For recovery and people: a person can copy a trailer (cherry-pick), so a
 * journaled candidate is the proof and a trailer only the hint. Throws a `GitError`.
 */
export async function landedTasks(site: LandingSite, since: Oid | null): Promise<LandedTask[]> {
  const trailer = (key: string): string => `%(trailers:key=${key},valueonly,separator=%x2c)`;
  const format = `--format=%H%x00${trailer("Orchd-Task")}%x00${trailer("Orchd-Attempt")}`;
  const range = [branchRef(site), ...(since === null ? [] : [`^${since}`])];
  const args = [
    "log",
    "--first-parent",
    "--reverse",
    "--no-show-signature",
    format,
    ...range,
    "--",
  ];
  return (await git(site.place, args)).stdout.split("\n").flatMap((line) => {
    const [commit = "", task = "", attempt = ""] = line.split("\0");
    const known = isOid(commit) && isTaskId(task) && /^[1-9][0-9]*$/.test(attempt);
    return known ? [{ task, attempt: Number(attempt), commit }] : [];
  });
}
