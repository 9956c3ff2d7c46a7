import { isOid, isTaskId } from "../../ipc/ids.ts";
import type { Oid, RequestId, TaskId } from "../../ipc/ids.ts";
import { touchedBytesMax, touchedPathsMax } from "../../ipc/workerMessages.ts";
import type { Saved } from "../../ipc/workerMessages.ts";
import { leftMarks, markedPaths } from "../../system/conflictMarkers.ts";
import type { MarksRequest } from "../../system/conflictMarkers.ts";
import { failpoint } from "../../system/failpoint.ts";
import { git, gitLine } from "../../system/git.ts";
import {
  brokenBy,
  isAncestor,
  readRefs,
  resolutionRef,
  resolutionsPrefix,
  transact,
} from "./branch.ts";
import type { Broken, Fenced, LandingSite, Transaction, Writer } from "./branch.ts";
import { mustBeOid, shownPath } from "./mergeTree.ts";
import { readParked } from "./parked.ts";
import type { Parked } from "./parked.ts";
import { touchedPaths } from "./touched.ts";

/**
 * A person's commit that takes the place of parked work, looked at and pinned before it lands as any
 * saved work does:
 *
 *     root ◄── … ◄── commit      what lands is the change from the root on
 *
 * `root` is what the work had met (`ours`, parked.ts) or, where the commit does not contain that, the
 * branch as it is now. A commit that contains neither would take back what has landed.
 *
 * Each request has a ref of its own, made before it is decided, so that two at once never share one. The
 * ref of a request that was not taken goes (`unpinResolutions`); those that a crash left undecided are
 * found by `pinnedResolutions`.
 */
export type ResolutionRequest = {
  readonly request: RequestId;
  readonly task: TaskId;
  readonly commit: Oid;
  /** Where the work is parked; `null`: nobody knows any more. */
  readonly parked: string | null;
};

export type Resolution =
  | { readonly kind: "ready"; readonly saved: Saved }
  | { readonly kind: "refused"; readonly message: string }
  | Fenced
  | Broken;

const shownOid = (oid: Oid): string => oid.slice(0, 12);
const markedShownMax = 3;

export async function resolution(writer: Writer, request: ResolutionRequest): Promise<Resolution> {
  try {
    const met = await metBy(writer, request);
    const root = await rootOf(writer, request, met);
    if (typeof root === "string") return { kind: "refused", message: root };
    const base = await forkedFrom(writer, root.oid, root.tip, request.commit);
    const paths = (await touchedPaths(writer, base, request.commit)).map(({ path }) => path);
    if (paths.length === 0)
      return refused(`${shownOid(request.commit)} changes nothing of what has landed`);
    const marked = await leftMarks(writer.place, await marksToLookFor(writer, request, met, base));
    if (marked.length > 0)
      return refused(`conflict markers are left in ${shownList(marked.map(shownPath))}`);
    return await pin(writer, request, base, paths);
  } catch (error) {
    return brokenBy(error);
  }
}

function refused(message: string): Resolution {
  return { kind: "refused", message };
}

/** What the parked work is and had met; `null`: nobody knows any more. */
type Met = (Parked & { readonly ref: string }) | null;

async function metBy(writer: Writer, { parked }: ResolutionRequest): Promise<Met> {
  const sides = parked === null ? null : await readParked(writer, parked);
  return parked === null || sides === null ? null : { ...sides, ref: parked };
}

/**
 * Nothing but the parked conflict can be left in what was made right on what the work had met. What was
 * made elsewhere, or took in what landed later, may have met others on the way.
 */
async function marksToLookFor(
  { place }: Writer,
  { commit }: ResolutionRequest,
  met: Met,
  before: Oid,
): Promise<MarksRequest> {
  if (met === null) return { before, after: commit, sides: [], among: null };
  const { base, ours, theirs, ref } = met;
  const among = before === ours ? new Set(await markedPaths(place, ours, ref)) : null;
  return { before, after: commit, sides: [base, ours, theirs], among };
}

type Root = { readonly oid: Oid; readonly tip: Oid };

/** Or in words why there is none. */
async function rootOf(
  writer: Writer,
  { commit }: ResolutionRequest,
  met: Met,
): Promise<Root | string> {
  if (!(await isCommit(writer, commit))) return `there is no commit ${commit}`;
  const { tip } = await readRefs(writer);
  const branch = `orchd/${writer.target}`;
  if (tip === null) return `there is no branch ${branch}`;
  if (await isAncestor(writer, commit, tip.oid))
    return `${shownOid(commit)} is on ${branch} already: it resolves nothing`;
  const ours = met?.ours ?? null;
  if (ours !== null && (await isAncestor(writer, ours, commit))) return { oid: ours, tip: tip.oid };
  if (await isAncestor(writer, tip.oid, commit)) return { oid: tip.oid, tip: tip.oid };
  const known = `${shownOid(tip.oid)}, the tip of ${branch}`;
  const lacks =
    ours === null
      ? `does not contain ${known}`
      : `contains neither ${shownOid(ours)}, which the task met, nor ${known}`;
  return `${shownOid(commit)} ${lacks}: it would take back what has landed`;
}

async function isCommit({ place }: Writer, commit: Oid): Promise<boolean> {
  const found = await git(place, ["cat-file", "-t", commit], { accept: [0, 1, 128] });
  return found.code === 0 && found.stdout.trim() === "commit";
}

/** Where the person merged in what landed later, that is no change of theirs. */
async function forkedFrom(writer: Writer, root: Oid, tip: Oid, commit: Oid): Promise<Oid> {
  // A rewind may have taken the root away: then the branch and the commit meet below it.
  if (root === tip || !(await isAncestor(writer, root, tip))) return root;
  return mustBeOid(await gitLine(writer.place, ["merge-base", tip, commit]));
}

async function pin(
  writer: Writer,
  { request, task, commit }: ResolutionRequest,
  base: Oid,
  paths: readonly string[],
): Promise<Resolution> {
  const ref = resolutionRef(task, request);
  const pinned = await failpoint("resolution.pin", () =>
    transact(writer, [{ ref, to: commit, from: "any" }]),
  );
  if (pinned.kind !== "done") return pinned;
  const saved = { commit, base, ref, ...touchedOf(paths), descends: true };
  return { kind: "ready", saved };
}

export type PinnedResolution = Omit<ResolutionRequest, "parked">;

/** Of every request whose ref is there. Throws a `GitError`. */
export async function pinnedResolutions({ place }: LandingSite): Promise<PinnedResolution[]> {
  const format = "--format=%(refname)%00%(objectname)";
  const { stdout } = await git(place, ["for-each-ref", format, resolutionsPrefix]);
  return stdout.split("\n").flatMap((line) => {
    const [ref = "", commit = ""] = line.split("\0");
    const [task = "", request] = ref.slice(resolutionsPrefix.length).split("/");
    if (request === undefined || !isTaskId(task) || !isOid(commit)) return [];
    return [{ task, request: request as RequestId, commit }];
  });
}

/** Nothing lands by them; a ref that is another by now is a problem. */
export async function unpinResolutions(
  writer: Writer,
  pinned: readonly PinnedResolution[],
): Promise<Transaction> {
  if (pinned.length === 0) return { kind: "done" };
  const changes = pinned.map(({ task, request, commit }) => ({
    ref: resolutionRef(task, request),
    to: null,
    from: commit,
  }));
  return await failpoint("resolution.unpin", () => transact(writer, changes));
}

function touchedOf(paths: readonly string[]): Pick<Saved, "touched" | "touched_total"> {
  const touched: string[] = [];
  let bytes = 0;
  for (const path of paths.slice(0, touchedPathsMax)) {
    bytes += path.length;
    if (bytes > touchedBytesMax) break;
    touched.push(shownPath(path));
  }
  return { touched, touched_total: paths.length };
}

function shownList(paths: readonly string[]): string {
  const shown = paths.slice(0, markedShownMax).join(", ");
  const rest = paths.length - markedShownMax;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
