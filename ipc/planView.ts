import type { TaskId } from "./ids.ts";
import type { TaskStatus } from "./taskViews.ts";

/**
 * What `orchd plan --json` prints: what the claims, dependencies and resources of some tasks mean for
 * each other, before anything runs. Durations are in milliseconds and known only where tasks have an
 * `estimate`.
 */
export type PlanView = {
  readonly tasks: number;
  /** `max_parallel`: how many run at the same time, at most. */
  readonly slots: number;
  /** Pairs of tasks that cannot run at the same time, of those that can run at all. */
  readonly conflicts: {
    readonly pairs: number;
    /** The first `pairsListedMax` of them, in the order of the files. */
    readonly listed: readonly PlannedConflict[];
  };
  /** No two tasks of a wave are in each other's way, and what they wait for is in earlier waves. */
  readonly waves: readonly PlannedWave[];
  /** The longest chain of dependencies: by time if there are estimates, else by tasks. */
  readonly critical_path: { readonly tasks: readonly TaskId[]; readonly ms: number | null };
  /** Tasks that can never start, in the order of the files. */
  readonly never: readonly NeverStarts[];
  /** Tasks of the running supervisor, not of the plan, that have to end first. */
  readonly outside: readonly TaskId[];
  readonly estimates: {
    readonly given: number;
    readonly missing: number;
    /** What a task without an estimate counts as: the mean of the others. */
    readonly assumed_ms: number | null;
  };
  /** `null` without any estimate. Landing, retries and failures are not in it. */
  readonly expected: {
    readonly one_at_a_time_ms: number;
    /** Each task as soon as slot, claims and dependencies allow, as orchd runs them. */
    readonly ms: number;
    /** With a barrier after each wave, as `submit --waves` runs them. */
    readonly waves_ms: number;
    /** `one_at_a_time_ms / ms` */
    readonly speed_up: number;
  } | null;
};

/** Pairs that a plan lists; it counts all of them. */
export const pairsListedMax = 1_000;

export type PlannedConflict = {
  readonly tasks: readonly [TaskId, TaskId];
  readonly on: ConflictCause;
};

export type ConflictCause =
  /**
   * A claim of the first and one of the second, and a path that both match; it need not exist. `null`
   * where one of them writes everything and the other has declared nothing.
   */
  | {
      readonly kind: "claims";
      readonly claims: readonly [string, string];
      readonly example: string | null;
    }
  | { readonly kind: "resource"; readonly resource: string; readonly capacity: number };

export type PlannedWave = { readonly tasks: readonly TaskId[]; readonly ms: number | null };

export type NeverStarts = { readonly task: TaskId; readonly because: NeverReason };

export type NeverReason =
  /** Each waits for the next one, and the last for the first. */
  | { readonly kind: "cycle"; readonly members: readonly TaskId[] }
  /** Neither in the files nor known to a running supervisor. */
  | { readonly kind: "unknown"; readonly after: TaskId }
  /** It comes `after` one that has ended without success. */
  | { readonly kind: "failed"; readonly after: TaskId; readonly status: TaskStatus }
  | {
      readonly kind: "resource";
      readonly resource: string;
      readonly asked: number;
      readonly capacity: number;
    }
  /** It waits for one of the plan that can never start. */
  | { readonly kind: "waits_for"; readonly after: TaskId };
