import type { LandingLine } from "./landingLine.ts";
import type { AttemptFailure, Continued, Saved } from "../../ipc/workerMessages.ts";
import type { ClaimSet, TaskSpec } from "../../ipc/taskSpec.ts";
import type { RedGate } from "./attemptFacts.ts";
import type { CoreSettings, PushPlace } from "./coreSettings.ts";
import type { PushProblem } from "./events.ts";
import type { HeldReason } from "./landingFacts.ts";
import type { FailureReason, TaskStatus } from "../../ipc/taskViews.ts";
import type { HoldKind, HoldOwner } from "../../ipc/hold.ts";
import type { HolderId, HoldId, Oid, RequestId, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { FinalIndex } from "./finalIndex.ts";
import type { Schedule } from "./scheduleIndex.ts";

/**
 * Everything the supervisor knows, rebuilt from the journal by `evolve`.
 *
 * The state is owned by the loop and changed in place by `evolve` alone (D-0004); every other
 * function of the core reads it. `schedule` is an index over it that is derived, never stored.
 *
 *     (none) ─submit─► queued ─start─► running ─done─► landing ─► succeeded
 *                        ▲ │              │               │
 *                        │ └► cancelled ◄─┴───────────────┤
 *                        └──── again ◄────┴───────────────┼─► failed
 */
export type State = {
  seq: number;
  epoch: number;
  settings: CoreSettings;
  paused: boolean;
  /** No task with one of these starts; at most `labelsPausedMax`. */
  readonly pausedLabels: Set<string>;
  /** Every task that is not final, and final ones until the shell evicts them. */
  readonly tasks: Map<TaskId, Task>;
  /** What is kept of a final task for ever: enough for idempotency, `after` and `retry`. */
  readonly finals: FinalIndex;
  readonly counts: Record<TaskStatus, number>;
  readonly workers: Map<WorkerId, WorkerState>;
  readonly landing: LandingState;
  /** `null`: nothing is pushed. */
  push: PushState | null;
  /** Goes on with the wall clock, and never back (`rankTime`); `sawAt`: when it was asked last. */
  readonly rankClock: { shows: number; sawAt: number | null };
  /** Claims that others than tasks hold or wait for. */
  readonly holds: Map<HoldId, Hold>;
  schedule: Schedule;
};

export type Final = {
  readonly digest: string;
  readonly status: "succeeded" | "failed" | "cancelled";
  readonly commit: Oid | null;
};

export type Task = {
  readonly id: TaskId;
  readonly spec: TaskSpec;
  readonly digest: string;
  /** Sequence of its submission: the order among equals. */
  readonly order: number;
  /** Start of the clock for `not_before` durations and for ageing. */
  readonly submittedAt: number;
  /** What it is ranked by instead, when the clock was set back before (`rankTime`). */
  readonly rankedAt?: number;
  life: Life;
  paused: boolean;
  cancelRequested: boolean;
  attempts: Attempt[];
  setbacks: { failure: number; lost: number; conflict: number };
  /** Paths that earlier attempts touched, and `unknownRest`: claimed beforehand when it runs again. */
  touched: readonly string[];
  /** The checks that sent it back last: its attempts from then on are given what they printed. */
  sentBack?: RedGate;
  /** The conflict that sent it back last: what an attempt may continue from. */
  conflict?: Parked & Continued;
  lastRetry: RequestId | null;
  /** The requests before that one, at most `earlierRetriesMax`, oldest first; absent in older journals. */
  earlierRetries?: readonly RequestId[];
  /** Where its work is kept since a person resolved a conflict of it: they may try again. */
  parked?: Parked;
  /** The requests with which people did, at most `resolutionsMax`, oldest first. */
  resolutions?: readonly RequestId[];
};

/** Work that did not merge. `ours`: absent where an earlier version kept only the work. */
export type Parked = {
  readonly ref: string;
  readonly paths: readonly string[];
  /** How many; absent: as many as are named. */
  readonly paths_total?: number;
  readonly ours?: Oid;
};

export type Life =
  | {
      readonly status: "queued";
      readonly since: number;
      readonly notBefore: number | null;
      readonly backoff: boolean;
    }
  | {
      readonly status: "running";
      readonly since: number;
      readonly worker: WorkerId;
      readonly fence: number;
    }
  | {
      readonly status: "landing";
      readonly since: number;
      readonly fence: number;
      readonly saved: Saved;
      readonly step: LandingStep;
      /** It lands what a person made of it: its claims are what that touched, and it never runs again by itself. */
      readonly resolved?: true;
    }
  | { readonly status: "succeeded"; readonly since: number; readonly commit: Oid | null }
  | { readonly status: "failed"; readonly since: number; readonly reason: FailureReason }
  | { readonly status: "cancelled"; readonly since: number };

export type LandingStep =
  /** `redBase`: the tree it was not merged onto, because that tree is red by itself. */
  | { readonly at: "waiting"; readonly redBase: Oid | null }
  /** `onto`: the candidate in front of it in the chain; absent: the branch's tip. */
  | {
      readonly at: "merging";
      readonly since: number;
      readonly onto?: Oid;
      readonly regenerated?: Regenerated;
    }
  /** Files that both sides changed are made anew on `commit`, whose tree is `tree` (generation.ts). */
  | {
      readonly at: "generating";
      readonly since: number;
      readonly fence: number;
      readonly commit: Oid;
      readonly tree: Oid;
      readonly globs: readonly string[];
      readonly onto?: Oid;
    }
  /** Its candidate is made and waits for a gate run or for those in front of it to land. */
  | {
      readonly at: "chained";
      readonly since: number;
      readonly candidate: Candidate;
      /** The chain up to and including it failed like this. */
      readonly red: RedGate | null;
      /** How its setup failed, once; that of its base did not (unavailable.ts). */
      readonly setup?: RedGate;
    }
  | {
      readonly at: "gate";
      readonly since: number;
      readonly fence: number;
      readonly candidate: Candidate;
      /** Set while the base is tested because the candidate was red. */
      readonly suspected: RedGate | null;
      /** How the candidate's setup failed: now that of the chain's base is tried, or the candidate's once more. */
      readonly setup?: { readonly red: RedGate; readonly on: "base" | "candidate" };
    }
  | { readonly at: "moving"; readonly since: number; readonly candidate: Candidate };

/** What a merge that comes to the tree `from` really comes to. */
export type Regenerated = { readonly from: Oid; readonly tree: Oid };

export type Candidate = {
  readonly commit: Oid;
  readonly tree: Oid;
  readonly onto: Oid;
  readonly ontoTree: Oid;
};

export type Attempt = {
  readonly number: number;
  readonly worker: WorkerId;
  readonly fence: number;
  readonly startedAt: number;
  endedAt: number | null;
  result: "done" | "failed" | "ended" | "lost" | null;
  failure: AttemptFailure | null;
  savedRef: string | null;
  savedCommit: Oid | null;
};

/** A task as the journal and the snapshot keep it: a `Task` is plain JSON. */
export type StoredTask = Task;

export type WorkerState = {
  readonly id: WorkerId;
  /** Its number among those that take tasks; `null` for one that only runs gates. */
  readonly slot: number | null;
  readonly since: number;
  /** Tasks whose attempt (or gate) it holds, oldest first. */
  readonly held: Set<TaskId>;
  /** Of those, instant ones: they need no place of their own. */
  instants: number;
};

export type Hold = {
  readonly id: HoldId;
  readonly kind: HoldKind;
  readonly claims: ClaimSet;
  readonly owner: HoldOwner | null;
  readonly note: string;
  /** Sequence of its request: the order among equals. */
  readonly order: number;
  readonly requestedAt: number;
  /** As of a task. */
  readonly rankedAt?: number;
  /** `null` while it waits. */
  granted: { readonly fence: number; readonly at: number } | null;
  /** A person broke it; its process is being ended. */
  broken: boolean;
};

export type LandingState = {
  /** Where orchd's branch was last seen or moved to. */
  tip: Oid | null;
  /** The tree of the tip when that is known to be red. */
  redBase: Oid | null;
  /** Where following left the person's branch. */
  followed: Oid | null;
  followProblem: { reason: string; paths: readonly string[] } | null;
  held: HeldReason | null;
  /** Tasks that land together, first to land first: each candidate is merged onto the one before. */
  chain: readonly TaskId[];
  /** The one of the chain that is at work: merged, tested with all in front of it, or the last that the branch is moved for. */
  current: TaskId | null;
  /** Tasks that do not fit behind this chain's others: they wait until it is over. */
  readonly aside: Set<TaskId>;
  /** Length of the next chain, while gate runs of longer ones come to nothing. */
  window: number | null;
  /** Tasks in status `landing` that are not in the chain, in the order in which they would land. */
  readonly waiting: LandingLine;
  /** Trees that the repository-wide commands passed on, newest last, at most `greenTreesMax`. */
  readonly green: Set<Oid>;
  /** Trees that they failed on, newest last, at most `redTreesMax`. */
  readonly red: Map<Oid, RedGate>;
  /** Trees with generated files of one side each, and what they came to, newest last, at most `generatedTreesMax`. */
  readonly generated: Map<Oid, { readonly globs: readonly string[]; readonly tree: Oid }>;
};

export type PushState = {
  readonly place: PushPlace;
  /** What the remote's branch is known to have been at last; `null`: nothing is known. */
  accepted: Oid | null;
  /** Commits of tasks that landed since. */
  commits: number;
  problem: PushProblem | null;
};

export const greenTreesMax = 256;
export const redTreesMax = 16;
export const generatedTreesMax = 64;
export const earlierRetriesMax = 16;
export const resolutionsMax = 16;
export const lostMax = 3;
export const conflictsMax = 2;

/** What an attempt of this task holds: the declared claims, and what earlier attempts touched. */
export type Holding = ClaimSet & { readonly optimistic: boolean };

export function holdingOf(task: Task): Holding {
  const declared = isResolved(task) ? nothing : task.spec.claims;
  const touched = task.touched.map(globOfPath);
  if (declared === null) return { writes: touched, reads: [], resources: {}, optimistic: true };
  return {
    writes: touched.length === 0 ? declared.writes : [...new Set([...declared.writes, ...touched])],
    reads: declared.reads,
    resources: declared.resources,
    optimistic: false,
  };
}

const nothing: ClaimSet = { writes: [], reads: [], resources: {} };

/** What it declared may be held by others by now: like undeclared work it takes its claims at landing. */
export function isResolved({ life }: Task): boolean {
  return life.status === "landing" && life.resolved === true;
}

/** Work of a task that has ended and waits for a person; `null`: there is none. */
export function parkedOf(task: Task): Parked | null {
  const { life, parked } = task;
  if (life.status === "failed" && life.reason.kind === "conflict") {
    const { kind: _, ...met } = life.reason;
    return met;
  }
  const ended = life.status === "failed" || life.status === "cancelled";
  return ended ? (parked ?? leftOpen(task)) : null;
}

/** The conflict that a task was to go on from when it ended for another reason, or was cancelled. */
function leftOpen({ spec, conflict, attempts }: Task): Parked | null {
  if (spec.on_conflict === undefined || conflict === undefined) return null;
  const last = attempts.at(-1);
  // One that was done has resolved it: what became of that is another matter.
  if (last?.result === "done" && last.number !== conflict.attempt) return null;
  const { base: _base, commit: _commit, attempt: _attempt, ...met } = conflict;
  return met;
}

/** Every id of a hold has a colon, and no id of a task has. */
export function isHold(id: HolderId): id is HoldId {
  return id.includes(":");
}

export function holdingOfHold({ claims }: Hold): Holding {
  return { ...claims, optimistic: false };
}

/** The same question as `holdsNothing(compileHolding(holdingOf(task)))`, without making either. */
export function claimsNothing({ spec: { claims }, touched }: Task): boolean {
  return (
    claims !== null &&
    claims.writes.length === 0 &&
    claims.reads.length === 0 &&
    touched.length === 0 &&
    Object.keys(claims.resources).length === 0
  );
}

/** Among touched paths: more than are listed, and nobody knows which. No path is empty. */
export const unknownRest = "";

/** What an attempt touched, as far as it is known. */
export function touchedBy({ touched, touched_total }: Saved): readonly string[] {
  return touched_total > touched.length ? [...touched, unknownRest] : touched;
}

/** A file may have characters in its name that mean something in a glob: `?` stands for them. */
function globOfPath(path: string): string {
  return path === unknownRest ? "**" : path.replace(/[*{}]/g, "?");
}

/** Nothing to do: needs neither workspace nor child, so it takes no place of its own. */
export function isInstant(spec: TaskSpec): boolean {
  return spec.work.kind === "tools";
}

/** Every request that had it retried, as far as they are kept, oldest first. */
export function retriesOf({ earlierRetries, lastRetry }: Task): readonly RequestId[] {
  return [...(earlierRetries ?? []), ...(lastRetry === null ? [] : [lastRetry])];
}

/** Throws when it is not in memory. */
export function taskOf(state: State, id: TaskId): Task {
  const task = state.tasks.get(id);
  if (task === undefined) throw new Error(`no task ${id} in memory`);
  return task;
}

export function isFinal(
  life: Life,
): life is Extract<Life, { status: "succeeded" | "failed" | "cancelled" }> {
  return life.status === "succeeded" || life.status === "failed" || life.status === "cancelled";
}

export function currentAttempt(task: Task): Attempt | undefined {
  return task.attempts.at(-1);
}

/** The task by itself, or by a label. Everything may be paused besides. */
export function isPaused(state: State, { paused, spec }: Task): boolean {
  return paused || pausedLabelOf(state, spec) !== null;
}

export function pausedLabelOf({ pausedLabels }: State, { labels }: TaskSpec): string | null {
  if (pausedLabels.size === 0) return null;
  return labels.find((label) => pausedLabels.has(label)) ?? null;
}

/** Live attempts hold their claims until they have landed, failed or gone back to the queue. */
export function holdsClaims(life: Life): boolean {
  return life.status === "running" || life.status === "landing";
}
