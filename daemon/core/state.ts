import type { AttemptFailure, Continued, Saved } from "../../ipc/workerMessages.ts";
import type { ClaimSet, TaskSpec } from "../../ipc/taskSpec.ts";
import type { CoreSettings } from "./coreSettings.ts";
import type { FailureReason, TaskStatus } from "../../ipc/taskViews.ts";
import type { FinalIndex } from "./finalIndex.ts";
import type { MergeRuleChanges } from "../../ipc/mergeRules.ts";
import type { HoldKind, HoldOwner } from "../../ipc/hold.ts";
import type { HolderId, HoldId, Oid, RequestId, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { LandingState, LandingStep, PushState } from "./landingState.ts";
import type { Parked } from "./parked.ts";
import type { RedGate } from "./attemptFacts.ts";
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
  /** What its candidate changes in how files merge; absent: nothing. */
  mergeRules?: MergeRuleChanges;
  /** The requests with which people did, at most `resolutionsMax`, oldest first. */
  resolutions?: readonly RequestId[];
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

export const earlierRetriesMax = 16;
export const resolutionsMax = 16;
export const lostMax = 3;
export const conflictsMax = 2;

/** Every id of a hold has a colon, and no id of a task has. */
export function isHold(id: HolderId): id is HoldId {
  return id.includes(":");
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
