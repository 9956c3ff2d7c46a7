import { currentAttempt, holdsClaims } from "../../core/state.ts";
import { holdingOf } from "../../core/holding.ts";
import { parkedOf } from "../../core/parked.ts";
import { optimisticToken } from "../../core/claims.ts";
import { whyWaiting } from "../../core/explain.ts";
import { resolutionBranch } from "../../../ipc/taskViews.ts";
import type {
  AttemptView,
  EndView,
  ParkedView,
  TaskRow,
  TaskView,
} from "../../../ipc/taskViews.ts";
import type { Attempt, Final, State, Task } from "../../core/state.ts";
import type { MergeRuleChanges } from "../../../ipc/mergeRules.ts";
import type { Heartbeat } from "../../../ipc/workerMessages.ts";
import type { Shortage } from "../../../ipc/shortage.ts";
import type { ServerContext } from "../context.ts";
import type { TaskId, WorkerId } from "../../../ipc/ids.ts";

export function taskRow(
  state: State,
  task: Task,
  at: number,
  heartbeats: ReadonlyMap<WorkerId, Heartbeat>,
  shortage: Shortage | null = null,
): TaskRow {
  const { life } = task;
  const worker = life.status === "running" ? life.worker : null;
  return {
    id: task.id,
    title: task.spec.title,
    status: life.status,
    priority: task.spec.priority,
    attempts: task.attempts.length,
    submitted_at: task.submittedAt,
    since: life.since,
    worker,
    stage: stageOf(task, worker === null ? undefined : heartbeats.get(worker)),
    waiting: whyWaiting(state, task, at, shortage),
    commit: life.status === "succeeded" ? life.commit : null,
    reason: life.status === "failed" ? life.reason : null,
  };
}

function stageOf(task: Task, heartbeat: Heartbeat | undefined): TaskRow["stage"] {
  if (task.life.status === "landing") return task.life.step.at;
  if (heartbeat?.attempt?.task === task.id) return heartbeat.stage;
  return null;
}

export function taskView(
  row: TaskRow,
  task: Task,
  { landing }: Pick<State, "landing">,
  context: Pick<ServerContext, "attemptFolder" | "worktreeFor" | "foreseen">,
): TaskView {
  return {
    ...row,
    spec: task.spec,
    attempt_list: task.attempts.map((attempt) =>
      attemptView(task.id, attempt, context.attemptFolder),
    ),
    held: holdsClaims(task.life) ? heldGlobs(task) : [],
    sent_back: task.sentBack === undefined ? null : { kind: "gate", ...task.sentBack },
    landing_held: task.life.status === "landing" ? (landing.held?.message ?? null) : null,
    foreseen: context.foreseen().filter((one) => one.task === task.id || one.with === task.id),
    merging: mergingOf(task),
    parked: parkedView(task, context.worktreeFor),
  };
}

/** Of no interest when it did not land. */
export function mergingOf({ life, mergeRules }: Task): MergeRuleChanges | null {
  const counts = life.status === "landing" || life.status === "succeeded";
  return counts ? (mergeRules ?? null) : null;
}

/** Only what both sides are kept of: there is nothing to show of how an earlier version parked work. */
function parkedView(task: Task, worktreeFor: ServerContext["worktreeFor"]): ParkedView | null {
  const parked = parkedOf(task);
  if (parked?.ours === undefined) return null;
  const { ref, paths, paths_total } = parked;
  return {
    ref,
    paths: [...paths],
    paths_total: paths_total ?? paths.length,
    branch: resolutionBranch(task.id),
    worktree: worktreeFor(task.id),
    earlier: null,
    kept: true,
  };
}

export function endView(id: TaskId, task: Task | undefined, final: Final): EndView {
  const reason = task?.life.status === "failed" ? task.life.reason : null;
  const attempts = task === undefined ? 0 : (currentAttempt(task)?.number ?? 0);
  return { id, status: final.status, commit: final.commit, reason, attempts };
}

function heldGlobs(task: Task): string[] {
  const holding = holdingOf(task);
  return [...holding.writes, ...holding.reads, ...(holding.optimistic ? [optimisticToken] : [])];
}

export function attemptView(
  task: TaskId,
  attempt: Attempt,
  folder: ServerContext["attemptFolder"],
): AttemptView {
  return {
    attempt: attempt.number,
    worker: attempt.worker,
    fence: attempt.fence,
    started_at: attempt.startedAt,
    ended_at: attempt.endedAt,
    result: attempt.result,
    failure: attempt.failure,
    saved_ref: attempt.savedRef,
    saved_commit: attempt.savedCommit,
    logs: folder(attempt.worker, task, attempt.number),
  };
}
