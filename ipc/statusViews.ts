import type { LandingView } from "./landingViews.ts";
import type { LockView } from "./claimViews.ts";
import type { Shortage } from "./shortage.ts";
import type { Stage } from "./workerMessages.ts";
import type { TaskId, WorkerId } from "./ids.ts";
import type { MergeRuleChanges } from "./mergeRules.ts";
import type { ForeseenView, TaskRow, TaskStatus, WaitReason } from "./taskViews.ts";

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
    /** Set while a disk has too little space for anything new to start. */
    space: "ok" | Shortage;
  };
  slots: { total: number; busy: number; free: number };
  queue: {
    length: number;
    /** How many of them `waiting_on` speaks of: of a long queue only as many as are looked at in a moment. */
    explained: number;
    waiting_on: Record<WaitReason["on"], number>;
  };
  counts: Record<TaskStatus, number>;
  tasks: TaskRow[];
  workers: WorkerView[];
  locks: LockView[];
  /** Conflicts that running tasks will have when they go on like this. */
  foreseen: ForeseenView[];
  /** What tasks that land now, or landed in the last day, change in how files merge; newest first, at most 10. */
  merging: MergingView[];
  landing: LandingView;
};

export type MergingView = MergeRuleChanges & {
  task: TaskId;
  status: "landing" | "succeeded";
  since: number;
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
  /** The journal cannot be written, and nothing is accepted either; or too little space for an attempt. */
  | { because: "disk"; problem: string };
