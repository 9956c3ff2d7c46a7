import type { Argv, TaskSpec } from "./taskSpec.ts";
import type { AttemptFailure, Stage } from "./workerMessages.ts";
import type { HolderId, Oid, TaskId, WorkerId } from "./ids.ts";

export type TaskStatus = "queued" | "running" | "landing" | "succeeded" | "failed" | "cancelled";

export type FinalStatus = "succeeded" | "failed" | "cancelled";

/** Why a queued task does not run, computed when asked. The most immediate reason comes first. */
export type WaitReason =
  /** `label`: when all tasks with it are paused. */
  | { on: "paused"; all: boolean; label?: string }
  | { on: "after"; tasks: TaskId[] }
  | { on: "time"; until: number; backoff: boolean }
  | { on: "claim"; claim: string; holder: HolderId; their_claim: string }
  | { on: "resource"; resource: string; holders: HolderId[] }
  | { on: "slot" }
  | { on: "workers" };

/** Why a task failed. */
export type FailureReason =
  | { kind: "attempt"; failure: AttemptFailure }
  | { kind: "lost"; attempts: number }
  | { kind: "gate"; command: Argv; failure: AttemptFailure; output: string }
  | { kind: "conflict"; paths: string[]; ref: string }
  | { kind: "not_descended"; ref: string }
  | { kind: "outside_claims"; paths: string[] }
  | { kind: "dependency"; task: TaskId; status: TaskStatus }
  | { kind: "landing"; message: string };

export type TaskRow = {
  id: TaskId;
  title: string;
  status: TaskStatus;
  priority: number;
  attempts: number;
  /** Milliseconds since the epoch, here and in every `*_at`. */
  submitted_at: number;
  /** When the task came into its present status. */
  since: number;
  worker: WorkerId | null;
  stage: Stage | "merging" | "chained" | "gate" | "moving" | "waiting" | null;
  waiting: WaitReason | null;
  commit: Oid | null;
  reason: FailureReason | null;
};

export type AttemptView = {
  attempt: number;
  worker: WorkerId;
  fence: number;
  started_at: number;
  ended_at: number | null;
  result: "done" | "failed" | "ended" | "lost" | null;
  failure: AttemptFailure | null;
  saved_ref: string | null;
  saved_commit: Oid | null;
  /** Absolute folder of its logs. */
  logs: string;
};

export type TaskView = TaskRow & {
  spec: TaskSpec;
  attempt_list: AttemptView[];
  held: string[];
  /** The checks that sent it back last, to be repaired by a later attempt; `null`: none did. */
  sent_back: Extract<FailureReason, { kind: "gate" }> | null;
  /** Of a task that is landing: why nothing lands now, as in `status`. */
  landing_held: string | null;
};

export type EndView = {
  id: TaskId;
  status: TaskStatus;
  commit: Oid | null;
  reason: FailureReason | null;
  attempts: number;
};

export type ChangeView = { id: TaskId; status: TaskStatus; changed: boolean };
