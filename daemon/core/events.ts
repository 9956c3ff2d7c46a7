import type { AttemptFailure, Saved } from "../../ipc/workerMessages.ts";
import type { FailureReason } from "../../ipc/taskViews.ts";
import type { ClaimSet, Argv, TaskSpec } from "../../ipc/taskSpec.ts";
import type { HoldEnd, HoldKind, HoldOwner } from "../../ipc/hold.ts";
import type { HolderId, HoldId, Oid, RequestId, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { Parked, StoredTask } from "./state.ts";

/**
 * What happened, in the past tense: the only thing the journal holds and the only thing that changes
 * the state. `evolve` accepts the newest version of each; older ones are brought up to date by
 * `upcast.ts` before they get there. An event about one task carries its id as `task`.
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
  | CandidateMade
  | GateStarted
  | GateRed
  | BaseSuspected
  | BaseRed
  | GatePassed
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

/** The part of the configuration that decisions depend on. */
export type CoreSettings = {
  readonly slots: number;
  readonly follow: "auto" | "manual" | "off";
  readonly target: string;
  readonly verify: readonly Argv[];
  readonly verifyTimeoutMs: number;
  /**
   * A digest of what checks run in: their `PATH`, and how workspaces are made. What was green or red in
   * other surroundings is not known any more. Absent in older journals.
   */
  readonly ground?: string;
  /** `each`: every commit is tested; `chain`: only the last of those that land together. */
  readonly gate: "chain" | "each";
  /** Tasks that land together, at most. */
  readonly chainMax: number;
  /** Files that are made anew, not merged as text. Absent in older journals: none. */
  readonly generated?: readonly GeneratedRule[];
  readonly outsideClaims: "extend" | "fail" | "allow";
  readonly resources: Readonly<Record<string, number>>;
  readonly fairnessWindowMs: number;
  readonly tasksOpenMax: number;
  /** `null`, and absent in older journals: nothing is pushed. */
  readonly push?: PushPlace | null;
};

/** Where what landed is pushed to: a remote of the person's, by its name, and a branch there, short. */
export type PushPlace = { readonly remote: string; readonly branch: string };

export type GeneratedRule = {
  readonly paths: readonly string[];
  readonly run: Argv;
  readonly timeoutMs: number;
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

/** The sequence of this event is the attempt's fence. */
export type AttemptStarted = {
  readonly type: "AttemptStarted";
  readonly task: TaskId;
  readonly worker: WorkerId;
  /** Earlier waiters with overlapping claims that this start passed. */
  readonly overtook: readonly HolderId[];
};

/**
 * A worker runs an attempt that the journal has lost, and its task still waits: it goes on, with the
 * number and the fence that the worker knows.
 */
export type AttemptAdopted = {
  readonly type: "AttemptAdopted";
  readonly task: TaskId;
  readonly worker: WorkerId;
  readonly attempt: number;
  readonly fence: number;
};

/** A worker holds an attempt that does not count: it is told to end it. Its work is saved all the same. */
export type AttemptFenced = {
  readonly type: "AttemptFenced";
  readonly task: TaskId;
  readonly worker: WorkerId;
  readonly attempt: number;
  readonly fence: number;
  readonly because: "elsewhere" | "closed" | "unknown";
};

/** How an attempt ended, and what that means for its task. */
export type AttemptEnded = {
  readonly type: "AttemptEnded";
  readonly task: TaskId;
  readonly result: "done" | "failed" | "ended" | "lost";
  readonly failure: AttemptFailure | null;
  readonly saved: Saved | null;
  readonly elapsedMs: number;
  readonly next: Next;
};

/** What a dead worker had left in its workspace was saved afterwards. */
export type AttemptSalvaged = {
  readonly type: "AttemptSalvaged";
  readonly task: TaskId;
  readonly attempt: number;
  readonly saved: Saved | null;
};

export type Next =
  | { readonly to: "landing" }
  | { readonly to: "succeeded"; readonly commit: Oid | null }
  | {
      readonly to: "queued";
      readonly notBefore: number | null;
      readonly because: Setback;
      /** The checks that sent it back: its next attempt is given what they printed. */
      readonly red?: RedGate;
      /** What it met, and where both are kept: its next attempt may be given it to resolve. */
      readonly conflict?: Parked;
    }
  | { readonly to: "failed"; readonly reason: FailureReason }
  | { readonly to: "cancelled" };

/** Why a task runs again; each kind has a limit of its own. */
export type Setback = "failure" | "lost" | "conflict" | "stopping";

/** `holding`: fences of the attempts it runs or has a result of; what it lacks is sent to it again. */
export type WorkerReady = {
  readonly type: "WorkerReady";
  readonly worker: WorkerId;
  readonly holding: readonly number[];
};
/** Its process is gone, for certain. */
export type WorkerGone = { readonly type: "WorkerGone"; readonly worker: WorkerId };

/**
 * What two running tasks have changed so far does not merge; `other: null`: with what has landed. Nothing
 * depends on it: it is for those who listen. Told again when the files are others.
 */
export type ConflictForeseen = {
  readonly type: "ConflictForeseen";
  readonly task: TaskId;
  readonly other: TaskId | null;
  readonly paths: readonly string[];
};
/** It merges again. What is foreseen also ends with either task, without a word. */
export type ConflictAverted = {
  readonly type: "ConflictAverted";
  readonly task: TaskId;
  readonly other: TaskId | null;
};

/** The task is the next of the chain: it is merged onto the one before, the first onto the branch's tip. */
export type LandingStarted = { readonly type: "LandingStarted"; readonly task: TaskId };

/**
 * `gate`: the chain ends here and is tested (the sequence of this event is the fence of that run), needs
 * no test and lands, or is not decided about yet (`null`), because others join it or results are known.
 */
export type CandidateMade = {
  readonly type: "CandidateMade";
  readonly task: TaskId;
  readonly candidate: Oid;
  readonly tree: Oid;
  readonly onto: Oid;
  readonly ontoTree: Oid;
  readonly gate: boolean | null;
};

/** The chain up to and including the task is tested. The sequence of this event is the fence of the run. */
export type GateStarted = { readonly type: "GateStarted"; readonly task: TaskId };

/** A tree failed: that of the task's candidate, or of the base of the chain. */
export type GateRed = {
  readonly type: "GateRed";
  readonly task: TaskId;
  readonly tree: Oid;
  readonly red: RedGate;
};

/** The candidate is red by a repository-wide command and nobody knows whether its base is green: test that first. */
export type BaseSuspected = {
  readonly type: "BaseSuspected";
  readonly task: TaskId;
  readonly red: RedGate;
};

export type RedGate = {
  readonly command: Argv;
  readonly failure: AttemptFailure;
  readonly output: string;
};

/** The tree under the candidate is red by itself: nobody is blamed, the task waits for another base. */
export type BaseRed = {
  readonly type: "BaseRed";
  readonly task: TaskId;
  readonly tree: Oid;
  readonly message: string;
};

/** A tree passed: the candidate's, and the chain lands up to there, or that of its base, and then the red candidate is to blame. */
export type GatePassed = { readonly type: "GatePassed"; readonly task: TaskId; readonly tree: Oid };

/** Of the first of a chain. Merge again: the branch moved under the candidate, or its gate run was cut short, could not begin or tests what no longer counts. */
export type CandidateDropped = {
  readonly type: "CandidateDropped";
  readonly task: TaskId;
  readonly because: "outdated" | "gate_ended" | "gate_lost" | "chain_lost" | "commands_changed";
  /** The fence of a gate run that goes on and has to be ended. */
  readonly openGate: number | null;
};

/** It leaves the chain and waits again: one in front of it left, or it does not fit behind those. */
export type LandingPutBack = {
  readonly type: "LandingPutBack";
  readonly task: TaskId;
  readonly because: "chain_cut" | "conflict" | "no_change" | "generation";
  /** The fence of a gate run that goes on and has to be ended. */
  readonly openGate: number | null;
};

/** Nothing could be found out about a chain: the next ones are this long at most, until one passes. */
export type ChainShortened = { readonly type: "ChainShortened"; readonly length: number };

/**
 * Both sides of the task's merge changed generated files: `tree` has one of them for each, `commit` is of
 * that tree, and the files that `globs` stand for are made anew on it. The sequence of this event is
 * the fence of that run.
 */
export type GenerationStarted = {
  readonly type: "GenerationStarted";
  readonly task: TaskId;
  readonly commit: Oid;
  readonly tree: Oid;
  readonly globs: readonly string[];
  /** The first of the files. */
  readonly paths: readonly string[];
};

/** The files of `from` are made, which gives `tree`: the task is merged again, with that. */
export type Regenerated = {
  readonly type: "Regenerated";
  readonly task: TaskId;
  readonly from: Oid;
  readonly tree: Oid;
  /** The first of the other paths that the commands changed, which do not count. */
  readonly others: readonly string[];
};

export type LandingEnded = {
  readonly type: "LandingEnded";
  readonly task: TaskId;
  readonly next: Next;
  /** The fence of a gate run that goes on and has to be ended. */
  readonly openGate: number | null;
};

/** Nothing lands until a person acts (or the cause goes away and the timer finds out). */
export type LandingHeld = { readonly type: "LandingHeld"; readonly reason: HeldReason };
export type HeldReason = {
  readonly kind: "rewound" | "base_red" | "signature" | "problem";
  readonly message: string;
};
export type LandingReleased = {
  readonly type: "LandingReleased";
  /** Where a rewind that was settled left orchd's branch; `null`: it did not move. */
  readonly tip: Oid | null;
  /** And the target; absent: at `tip`. */
  readonly followed?: Oid;
};

export type TargetFollowed = { readonly type: "TargetFollowed"; readonly to: Oid };
export type FollowWaiting = {
  readonly type: "FollowWaiting";
  readonly reason: string;
  readonly paths: readonly string[];
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
