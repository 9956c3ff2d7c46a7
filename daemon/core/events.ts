import type { HoldEnd, HoldKind, HoldOwner } from "../../ipc/hold.ts";
import type { HoldId, HolderId, Oid, RequestId, TaskId } from "../../ipc/ids.ts";
import type { ClaimSet, TaskSpec } from "../../ipc/taskSpec.ts";
import type { Saved } from "../../ipc/workerMessages.ts";
import type {
  AttemptAdopted,
  AttemptEnded,
  AttemptFenced,
  AttemptSalvaged,
  AttemptStarted,
  ConflictAverted,
  ConflictForeseen,
  WorkerGone,
  WorkerReady,
} from "./attemptFacts.ts";
import type { CoreSettings, PushPlace } from "./coreSettings.ts";
import type {
  BaseRed,
  BaseSuspected,
  CandidateDropped,
  CandidateMade,
  ChainShortened,
  FollowWaiting,
  GatePassed,
  GateLost,
  GateRed,
  GateStarted,
  GenerationStarted,
  LandingEnded,
  LandingHeld,
  LandingPutBack,
  LandingReleased,
  LandingStarted,
  MergeRulesChanged,
  Regenerated,
  SetupSuspected,
  TargetFollowed,
} from "./landingFacts.ts";
import type { StoredTask } from "./state.ts";

/**
 * What happened, in the past tense: the only thing the journal holds and the only thing that changes
 * the state. `evolve` accepts the newest version of each; older ones are brought up to date by
 * `upcast.ts` before they get there. An event about one task carries its id as `task`. Those of attempts
 * and workers are in `attemptFacts.ts`, those of landing in `landingFacts.ts`; what each changes is in the
 * `*Events.ts`.
 */
export type Event =
  | SupervisorStarted
  | SettingsChanged
  | BranchPrepared
  | TaskSubmitted
  | TaskRetried
  | TaskResolved
  | TaskPaused
  | TaskResumed
  | LabelPaused
  | LabelResumed
  | AllPaused
  | AllResumed
  | CancelRequested
  | TaskCancelled
  | DependencyFailed
  | AttemptStarted
  | AttemptAdopted
  | AttemptFenced
  | AttemptEnded
  | AttemptSalvaged
  | WorkerReady
  | WorkerGone
  | ConflictForeseen
  | ConflictAverted
  | LandingStarted
  | MergeRulesChanged
  | CandidateMade
  | GateStarted
  | GateRed
  | BaseSuspected
  | BaseRed
  | GatePassed
  | GateLost
  | SetupSuspected
  | CandidateDropped
  | LandingPutBack
  | ChainShortened
  | GenerationStarted
  | Regenerated
  | LandingEnded
  | LandingHeld
  | LandingReleased
  | HoldRequested
  | HoldGranted
  | HoldEnded
  | LockBroken
  | TargetFollowed
  | FollowWaiting
  | PushSucceeded
  | PushFailed;

export type EventType = Event["type"];

/** An event with its place in the journal. `seq` is dense from 1; `at` is milliseconds since the epoch. */
export type Recorded = { readonly seq: number; readonly at: number; readonly event: Event };

/** A new supervisor took over. Workers of the one before are unknown until they dial in again. */
export type SupervisorStarted = {
  readonly type: "SupervisorStarted";
  readonly epoch: number;
  readonly settings: CoreSettings;
};

/** orchd.yaml was read again. */
export type SettingsChanged = {
  readonly type: "SettingsChanged";
  readonly settings: CoreSettings;
};

/** orchd's branch exists, and this is where it and the person's branch stand. */
export type BranchPrepared = {
  readonly type: "BranchPrepared";
  readonly tip: Oid;
  readonly targetTip: Oid | null;
};

export type TaskSubmitted = {
  readonly type: "TaskSubmitted";
  readonly task: TaskId;
  readonly spec: TaskSpec;
  readonly digest: string;
};

/** Carries the whole task, because a finished one is no longer in memory. */
export type TaskRetried = {
  readonly type: "TaskRetried";
  readonly task: TaskId;
  readonly request: RequestId;
  readonly stored: StoredTask;
};

/**
 * A person's commit takes the place of the parked work, and lands. The sequence of this event is its
 * fence. Carries the whole task, as `TaskRetried`.
 */
export type TaskResolved = {
  readonly type: "TaskResolved";
  readonly task: TaskId;
  readonly request: RequestId;
  readonly saved: Saved;
  readonly stored: StoredTask;
};

export type TaskPaused = { readonly type: "TaskPaused"; readonly task: TaskId };
export type TaskResumed = { readonly type: "TaskResumed"; readonly task: TaskId };
/** Of all tasks with the label, also of later ones. */
export type LabelPaused = { readonly type: "LabelPaused"; readonly label: string };
export type LabelResumed = { readonly type: "LabelResumed"; readonly label: string };
export type AllPaused = { readonly type: "AllPaused" };
export type AllResumed = { readonly type: "AllResumed" };
/** Of a running task: its attempt is being ended. */
export type CancelRequested = { readonly type: "CancelRequested"; readonly task: TaskId };
export type TaskCancelled = { readonly type: "TaskCancelled"; readonly task: TaskId };
/** A queued task can never start, because a task it comes after did not succeed. */
export type DependencyFailed = {
  readonly type: "DependencyFailed";
  readonly task: TaskId;
  readonly dependency: TaskId;
  readonly status: "failed" | "cancelled";
};

/** The branch of the remote is at `to`, or further. `commits`: of tasks, among what that brought. */
export type PushSucceeded = PushPlace & {
  readonly type: "PushSucceeded";
  readonly to: Oid;
  readonly commits: number;
};

/** Written down when the reason changes; it is tried again until it succeeds. */
export type PushFailed = PushPlace & PushProblem & { readonly type: "PushFailed" };
export type PushProblem = {
  /** `held`: the remote's branch is not what orchd left there, and a person has to act; `failed`: anything else. */
  readonly kind: "held" | "failed";
  readonly message: string;
};

/** Somebody else than a task asks for claims. A `foreign` one holds them at once, by the sequence of this event. */
export type HoldRequested = {
  readonly type: "HoldRequested";
  readonly hold: HoldId;
  readonly kind: HoldKind;
  readonly claims: ClaimSet;
  readonly owner: HoldOwner | null;
  readonly note: string;
};

/** The sequence of this event is the fence of the hold. */
export type HoldGranted = {
  readonly type: "HoldGranted";
  readonly hold: HoldId;
  /** Earlier waiters with overlapping claims that it passed. */
  readonly overtook: readonly HolderId[];
};

export type HoldEnded = {
  readonly type: "HoldEnded";
  readonly hold: HoldId;
  readonly because: HoldEnd;
};

/** A person broke the lock of a task or of a hold: whoever holds it is ended first, then it is free. */
export type LockBroken = { readonly type: "LockBroken"; readonly holder: HolderId };
