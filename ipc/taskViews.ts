import type { Argv, TaskSpec } from "./taskSpec.ts";
import type { AttemptFailure, Stage } from "./workerMessages.ts";
import type { MergeRuleChanges } from "./mergeRules.ts";
import type { Shortage } from "./shortage.ts";
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
  /** A disk has too little space for anything new. */
  | ({ on: "disk" } & Shortage)
  | { on: "slot" }
  | { on: "workers" };

/** Why a task failed. */
export type FailureReason =
  | { kind: "attempt"; failure: AttemptFailure }
  | { kind: "lost"; attempts: number }
  | { kind: "gate"; command: Argv; failure: AttemptFailure; output: string }
  /** Files that both sides changed could not be made anew. */
  | { kind: "generation"; command: Argv; failure: AttemptFailure; output: string }
  /**
   * `ours`: the commit that it met; absent where an earlier version kept only the work. `paths_total`: how
   * many files; absent: as many as `paths` names.
   */
  | { kind: "conflict"; paths: string[]; paths_total?: number; ref: string; ours?: Oid }
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
  stage: Stage | "merging" | "generating" | "chained" | "gate" | "moving" | "waiting" | null;
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
  /** Conflicts that it will have when it goes on like this. */
  foreseen: ForeseenView[];
  /** What it changes in how files merge, once it has landed; `null`: nothing, or it does not land. */
  merging: MergeRuleChanges | null;
  /** Set while its work is parked: it did not merge, and waits for a person. */
  parked: ParkedView | null;
};

/** What two running tasks have changed so far does not merge. */
export type ForeseenView = {
  task: TaskId;
  /** `null`: what has landed since `task` began. */
  with: TaskId | null;
  /** Files that conflict, sorted; the first 100. */
  paths: string[];
  /** Since when it is so, in these files. */
  since: number;
};

/** Work that conflicts, and where a person may resolve it; `orchd show` prints how. */
export type ParkedView = {
  /** Its parents are base (`^1`), what the work met (`^2`) and the work (`^3`), its tree has the conflicts marked. */
  ref: string;
  /** Files that conflict, the first of many. */
  paths: string[];
  /** How many they are. */
  paths_total: number;
  /** For its resolution, not there yet; `land --resolved` takes `resolve/<task>` when no commit is named. */
  branch: string;
  /** A folder for that branch, absolute, beside the repository, not there either. */
  worktree: string;
  /** The branch of an earlier resolution that is still there; `null`: there is none. */
  earlier: string | null;
  /** `false`: `ref` is not there any more; its time was over (`retention`). */
  kept: boolean;
};

/** Where `land --resolved` looks for a person's resolution unless they name a commit. */
export const resolutionBranch = (task: TaskId): string => `resolve/${task}`;

export type EndView = {
  id: TaskId;
  status: TaskStatus;
  commit: Oid | null;
  reason: FailureReason | null;
  attempts: number;
};

export type ChangeView = { id: TaskId; status: TaskStatus; changed: boolean };
