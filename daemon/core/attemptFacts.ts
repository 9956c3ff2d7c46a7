import type { HolderId, Oid, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { Argv } from "../../ipc/taskSpec.ts";
import type { FailureReason } from "../../ipc/taskViews.ts";
import type { AttemptFailure, Saved } from "../../ipc/workerMessages.ts";
import type { Parked } from "./parked.ts";

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

export type RedGate = {
  readonly command: Argv;
  readonly failure: AttemptFailure;
  readonly output: string;
};
