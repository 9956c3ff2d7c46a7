import type { AttemptFailure, Stage } from "./workerMessages.ts";
import type { HoldKind, HoldRequest } from "./hold.ts";
import type { HolderId, HoldId, Oid, RequestId, TaskId, WorkerId } from "./ids.ts";
import type { Argv, ClaimSet, TaskSpec } from "./taskSpec.ts";

/**
 * What a client can ask of the supervisor: one entry a method, with the shape that goes in and the
 * shape that comes out. The same names are files in `daemon/server/methods/` and `cli/commands/`.
 * Shapes are snake_case because `--json` prints them as they are.
 */
export type Methods = {
  submit: {
    /** Specs as `ipc/task.ts` makes them (ids minted by the client); checked again by the supervisor. */
    params: { request: RequestId; tasks: readonly TaskSpec[] };
    result: { ids: TaskId[]; existing: TaskId[] };
  };
  status: { params: StatusQuery; result: StatusView };
  show: { params: { id: TaskId }; result: TaskView };
  logs: { params: LogsQuery; result: LogsView };
  history: { params: HistoryQuery; result: HistoryView };
  trace: { params: { id: TaskId }; result: TraceView };
  /** Answers when every task is final, and what landed has reached the person's branch or could not. */
  wait: {
    /** `timeout_ms`: answers `limit` when they are not final by then. Counted anew when the call is sent again. */
    params: { ids: readonly TaskId[]; timeout_ms?: number | null };
    result: { tasks: EndView[]; target: TargetView };
  };
  slots: { params: Record<never, never>; result: SlotsView };
  /**
   * Who would be in the way of these claims (in normal form, as `ipc/glob.ts` makes it) if they were
   * asked for now. `claims: null`: those of a task that declares nothing.
   */
  check: { params: { claims: ClaimSet | null }; result: CheckView };
  cancel: { params: { ids: readonly TaskId[] }; result: { tasks: ChangeView[] } };
  retry: {
    params: { request: RequestId; ids: readonly TaskId[] };
    result: { tasks: ChangeView[] };
  };
  /**
   * `label`: all tasks with that label, also later ones; `ids` are empty then. Neither ids nor label:
   * everything. No such task starts until `resume` with the same. A task starts when nothing pauses it.
   */
  pause: { params: PauseParams; result: { tasks: ChangeView[]; all: boolean } };
  resume: { params: PauseParams; result: { tasks: ChangeView[]; all: boolean } };
  workers: { params: Record<never, never>; result: { workers: WorkerView[] } };
  locks: { params: Record<never, never>; result: { locks: LockView[] } };
  /**
   * Answers when the claims are held. The hold lives as long as its owner's process, and as long as
   * that gives a sign of life (`keep`) every few seconds. Safe to send again. `wait: false`: `busy`
   * when they are not free now.
   */
  lock: {
    params: HoldRequest & { wait: boolean };
    /** `heartbeat_ms`: between two calls of `keep`. `marker`: of `ORCHD_ATTEMPT` for what runs under it, so that it can be found and ended. */
    result: { hold: HoldId; fence: number; marker: string; heartbeat_ms: number };
  };
  /** A sign of life of a hold's owner; `held: false`: it has lost the hold. */
  keep: { params: { hold: HoldId }; result: { held: boolean } };
  /** Gives a hold back, or stops waiting for it. */
  unlock: { params: { hold: HoldId }; result: Record<never, never> };
  /** For people: ends whoever holds the lock (a task is cancelled, its work saved), and frees it. */
  break_locks: {
    params: { holders: readonly HolderId[] };
    result: { broken: HolderId[] };
  };
  /** At most one of the two; without them what waits is tried now. */
  land: { params: { accept_rewind: boolean; reapply?: boolean }; result: LandingView };
  /** From now on `event` notifications (EventView) come on this connection; first those from `from_seq` on, if given. */
  events: { params: { from_seq: number | null }; result: { seq: number } };
  config: { params: Record<never, never>; result: ConfigView };
  reload: { params: Record<never, never>; result: ConfigView };
  /**
   * Answers when stopping has begun; the connection closes when the supervisor is gone. `held`: why
   * landing is held, so that a drain ends without landing what waits for it.
   */
  stop: {
    params: { mode: "drain" | "now" | "restart" };
    result: { running: number; held: string | null };
  };
};

/** How many tasks could start at once, and what keeps a new one from starting. */
export type SlotsView = {
  /** `max_parallel`. */
  total: number;
  /** Workers with a task. */
  busy: number;
  free: number;
  /** A new task starts at once, if nobody is in the way of its claims and none of its labels is paused. */
  open: boolean;
  /** Why not; empty when `open`. */
  closed_because: SlotsClosed[];
  /** Labels whose tasks do not start. */
  paused_labels: string[];
};

export type SlotsClosed =
  | { because: "paused" | "draining" | "stopping" | "busy" }
  /** No worker has dialled in yet. */
  | { because: "workers" }
  /** The journal cannot be written; nothing is accepted either. */
  | { because: "disk"; problem: string };

export type CheckView = {
  /** A task or lock of priority 0 with these claims would not have to wait for others' claims now. */
  free: boolean;
  /** Who is in the way, holders first; at most `conflictsListedMax`, one for each holder. */
  conflicts: ClaimConflictView[];
  /** There are more. */
  more: boolean;
};

export type ClaimConflictView = {
  holder: HolderId;
  kind: "task" | HoldKind;
  /** `waits`: it waits for its claims itself. Only one that waits longer than may be has to be waited for. */
  standing: "holds" | "waits";
  on:
    /** A claim that was asked about and one of the holder's, and a path that both match. */
    | { kind: "claims"; claim: string; their_claim: string; example: string | null }
    | { kind: "resource"; resource: string; capacity: number };
};
export const conflictsListedMax = 100;

type PauseParams = { ids: readonly TaskId[]; label?: string };

export type MethodName = keyof Methods;

export type ClientHello = { role: "client"; protocol: number; version: string };
export type HelloView = { protocol: number; version: string; pid: number; epoch: number };

export type TaskStatus = "queued" | "running" | "landing" | "succeeded" | "failed" | "cancelled";

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
};

export type FinalStatus = "succeeded" | "failed" | "cancelled";

/** What is not `null`, or not empty, must hold of a task for it to be listed. */
export type HistoryQuery = {
  statuses: readonly FinalStatus[];
  /** A task must bear all of them. */
  labels: readonly string[];
  /** Ended at this time or later, and before that one. */
  since: number | null;
  until: number | null;
  /** Only tasks before this place: `next` of the page before. */
  before: number | null;
  /** 1 to `historyPageMax`. */
  limit: number;
};
export const historyPageMax = 500;

/** A finished task. */
export type HistoryRow = {
  /** Sequence of its last event: its place in the list. */
  seq: number;
  id: TaskId;
  title: string;
  labels: readonly string[];
  status: FinalStatus;
  attempts: number;
  submitted_at: number;
  /** When its first attempt started; `null` when none did. */
  started_at: number | null;
  ended_at: number;
  /** From the start of its first attempt to its end. */
  duration_ms: number | null;
  commit: Oid | null;
  /** Why it failed. What a red gate printed is left out here; `show` has it. */
  reason: FailureReason | null;
};

export type HistoryView = {
  /** Newest first. */
  tasks: HistoryRow[];
  /** What `before` must be for the next page; `null` when there is none. A page may be shorter than `limit` all the same. */
  next: number | null;
};

/** The life of one task, as the journal tells it. */
export type TraceView = {
  id: TaskId;
  title: string;
  objective: string | null;
  decision: string | null;
  labels: readonly string[];
  status: TaskStatus;
  submitted_at: number;
  commit: Oid | null;
  reason: FailureReason | null;
  attempt_list: AttemptView[];
  events: TraceEvent[];
  /** Events in the middle that are left out because there are too many. */
  events_omitted: number;
  /** When the person's branch came to contain its commit; `null`: not yet, or not known any more. */
  followed_at: number | null;
};

export type TraceEvent = EventView & {
  /** The supervisor that wrote it down. */
  epoch: number;
  /** Since the task was submitted. */
  elapsed_ms: number;
  /** The attempt it belongs to, with worker and fence; `null` before the first. */
  attempt: number | null;
  worker: WorkerId | null;
  fence: number | null;
  /** What the task holds from here on. */
  granted: string[];
  /** What it held until here. */
  released: string[];
};

export type StatusQuery = {
  /** Rows of finished tasks, newest first. 0 to 1,000. */
  finished_max: number;
  /** Rows of tasks that are not finished, in the order they would start. 0 to 10,000. */
  open_max: number;
};

export type StatusView = {
  daemon: {
    pid: number;
    epoch: number;
    version: string;
    uptime_ms: number;
    state: "running" | "draining" | "stopping";
    paused: boolean;
    /** Labels whose tasks do not start. */
    paused_labels: string[];
    /** Set while the journal cannot be written: nothing is acknowledged or started. */
    journal: "ok" | { problem: string };
  };
  slots: { total: number; busy: number; free: number };
  queue: { length: number; waiting_on: Record<WaitReason["on"], number> };
  counts: Record<TaskStatus, number>;
  tasks: TaskRow[];
  workers: WorkerView[];
  locks: LockView[];
  landing: LandingView;
};

export type WorkerView = {
  worker: WorkerId;
  pid: number | null;
  state: "starting" | "idle" | "busy" | "lost";
  tasks: TaskId[];
  stage: Stage | null;
  since: number;
  heartbeat_age_ms: number | null;
  output_bytes: number;
  last_line: string | null;
};

/** Claims that are held: by an attempt, by `orchd lock`, or because a file says so. */
export type LockView = {
  holder: HolderId;
  kind: "task" | HoldKind;
  /** Of a task. */
  attempt: number | null;
  /** What stale reports are told by: the sequence of the event that granted it; `null` while it waits. */
  fence: number | null;
  worker: WorkerId | null;
  /** The owner's process, if it is known. */
  pid: number | null;
  /** What it is held for, as its owner says. */
  note: string | null;
  writes: string[];
  reads: string[];
  resources: Record<string, number>;
  optimistic: boolean;
  /** `null` while it waits. */
  granted_at: number | null;
  requested_at: number;
  /** Since the last sign of life; `null`: none is expected. */
  heartbeat_age_ms: number | null;
  /** Who waits for it. */
  waiters: HolderId[];
  file: string | null;
};

/** Whether the person's branch has what landed. */
export type TargetView = Pick<
  LandingView,
  "branch" | "target" | "follow" | "follow_problem" | "held"
> & {
  /** It lacks something that landed on `branch`. */
  behind: boolean;
};

export type LandingView = {
  branch: string;
  target: string;
  follow: "auto" | "manual" | "off";
  tip: Oid | null;
  target_tip: Oid | null;
  /** Commits on the branch that the target does not have yet. */
  ahead: number;
  /** Tasks that wait to land, first to land first; those of `chain` are at work. */
  waiting: TaskId[];
  current: { task: TaskId; step: "merging" | "gate" | "moving"; since: number } | null;
  /** Tasks that land together, first to land first; `current` is one of them. */
  chain: TaskId[];
  /** Those whose combined tree the gate tests now, the first of the chain up to `current`; empty: the tree below them. */
  testing: TaskId[] | null;
  /** Why the target does not follow, in words; `null` when it does or need not. */
  follow_problem: string | null;
  /** Set while landing is held for a person (a rewound target, a checkout of orchd's branch). */
  held: string | null;
};

export type EndView = {
  id: TaskId;
  status: TaskStatus;
  commit: Oid | null;
  reason: FailureReason | null;
  attempts: number;
};

export type ChangeView = { id: TaskId; status: TaskStatus; changed: boolean };

export type LogsQuery = {
  id: TaskId;
  attempt: number | null;
  stream: "stdout" | "stderr";
  offset: number;
};
export type LogsView = {
  attempt: number;
  chunk: Uint8Array;
  next_offset: number;
  size: number;
  /** False when nothing will be added any more. */
  live: boolean;
};
export const logChunkBytesMax = 256 * 1024;

export type EventView = {
  seq: number;
  at: number;
  /** `task:started`, `queue:updated`, …; the list is in docs/reference/events.md. */
  name: string;
  task: TaskId | null;
  detail: Record<string, unknown>;
};

export type ConfigView = { file: string | null; config: import("./configSpec.ts").Config };
