import type { HistoryQuery, HistoryRow } from "../../ipc/historyViews.ts";
import type { StoredTask } from "./state.ts";

export type HistoryFilter = Pick<HistoryQuery, "statuses" | "labels" | "since" | "until">;

/**
 * A finished task as `orchd history` lists it; `null` for one that is not finished.
 *
 * @param seq the sequence of its last event
 */
export function historyRow(task: StoredTask, seq: number): HistoryRow | null {
  const { life, spec } = task;
  if (life.status === "queued" || life.status === "running" || life.status === "landing")
    return null;
  const startedAt = task.attempts[0]?.startedAt ?? null;
  return {
    seq,
    id: task.id,
    title: spec.title,
    labels: spec.labels,
    status: life.status,
    attempts: task.attempts.length,
    submitted_at: task.submittedAt,
    started_at: startedAt,
    ended_at: life.since,
    duration_ms: startedAt === null ? null : Math.max(0, life.since - startedAt),
    commit: life.status === "succeeded" ? life.commit : null,
    reason: life.status === "failed" ? withoutOutput(life.reason) : null,
  };
}

export function isListed(row: HistoryRow, filter: HistoryFilter): boolean {
  const { statuses, labels, since, until } = filter;
  return (
    (statuses.length === 0 || statuses.includes(row.status)) &&
    labels.every((label) => row.labels.includes(label)) &&
    (since === null || row.ended_at >= since) &&
    (until === null || row.ended_at < until)
  );
}

/** Hundreds of rows with the output of a gate each would not fit into one message. */
function withoutOutput(reason: HistoryRow["reason"]): HistoryRow["reason"] {
  return reason?.kind === "gate" || reason?.kind === "generation"
    ? { ...reason, output: "" }
    : reason;
}
