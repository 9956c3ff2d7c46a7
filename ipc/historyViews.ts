import type { AttemptView, FailureReason, FinalStatus, TaskStatus } from "./taskViews.ts";
import type { EventView } from "./eventView.ts";
import type { Oid, TaskId, WorkerId } from "./ids.ts";

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
