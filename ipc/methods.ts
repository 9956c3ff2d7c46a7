import type { ChangeView, EndView, TaskView } from "./taskViews.ts";
import type { CheckView, LockView } from "./claimViews.ts";
import type { ClaimSet, TaskSpec } from "./taskSpec.ts";
import type { Config } from "./configSpec.ts";
import type { HistoryQuery, HistoryView, TraceView } from "./historyViews.ts";
import type { HolderId, HoldId, Oid, RequestId, TaskId } from "./ids.ts";
import type { HoldOwner, HoldRequest } from "./hold.ts";
import type { GcView } from "./gcView.ts";
import type { LandingView, TargetView } from "./landingViews.ts";
import type { LogsQuery, LogsView } from "./logsView.ts";
import type { SlotsView, StatusQuery, StatusView, WorkerView } from "./statusViews.ts";

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
  /**
   * A sign of life of a hold's owner, also while it waits; `held: false`: it has lost the hold, or does
   * not have it yet. `heartbeat_ms`: the next one is wanted by then.
   */
  keep: { params: { hold: HoldId }; result: { held: boolean; heartbeat_ms: number } };
  /**
   * Gives a hold back, or stops waiting for it. `owner`: as in `lock`; `refused` to anybody else, since
   * what runs under the hold would go on (`break_locks` ends it first).
   */
  unlock: { params: { hold: HoldId; owner: HoldOwner }; result: Record<never, never> };
  /** For people: ends whoever holds the lock (a task is cancelled, its work saved), and frees it. */
  break_locks: {
    params: { holders: readonly HolderId[] };
    result: { broken: HolderId[] };
  };
  /** At most one of the two; without them what waits is tried now. */
  land: { params: { accept_rewind: boolean; reapply?: boolean }; result: LandingView };
  /**
   * Lands a commit of a person's instead of the work of a parked task. Answers when that is durable;
   * `wait` tells how it went. `refused` with the reason where the commit cannot be taken.
   */
  resolve: {
    params: { request: RequestId; task: TaskId; commit: Oid };
    result: { tasks: ChangeView[] };
  };
  /** Removes what `retention` no longer keeps in git, and begins to pack objects. `dry_run`: changes nothing. */
  gc: { params: { dry_run: boolean }; result: GcView };
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

type PauseParams = { ids: readonly TaskId[]; label?: string };

export type MethodName = keyof Methods;

export type ClientHello = { role: "client"; protocol: number; version: string };

export type HelloView = { protocol: number; version: string; pid: number; epoch: number };

export type ConfigView = { file: string | null; config: Config };
