import type { TaskId } from "../../ipc/ids.ts";
import type { StatusView } from "../../ipc/statusViews.ts";
import type { TaskRow } from "../../ipc/taskViews.ts";
import { plain } from "./text.ts";
import { span } from "./time.ts";
import { waitWords } from "./words.ts";

/**
 * One line on how far the waited-for tasks are:
 *
 *     12 of 30 ended · 1 failed · 4 running · 13 queued · t-abc 3m12s on worker-2
 *     t-abc running on worker-2 12s · PASS src/auth/login.test.ts
 *
 * A waited-for task that the view does not hold has ended long ago, or lies beyond its limits.
 */
export function progressLine(view: StatusView, ids: ReadonlySet<TaskId>, now: number): string {
  const mine = view.tasks.filter((task) => ids.has(task.id));
  const only = ids.size === 1 ? mine[0] : undefined;
  const parts = only === undefined ? severalParts(mine, ids.size, now) : oneParts(only, view, now);
  const { held } = view.landing;
  const waits = held !== null && mine.some(({ status }) => status === "landing");
  return [...parts, waits ? `landing is held: ${plain(held)}` : ""]
    .filter((part) => part !== "")
    .join(" · ");
}

function severalParts(mine: readonly TaskRow[], total: number, now: number): string[] {
  const of = (status: TaskRow["status"]): readonly TaskRow[] =>
    mine.filter((task) => task.status === status);
  const counted = (status: TaskRow["status"]): string =>
    of(status).length === 0 ? "" : `${of(status).length} ${status}`;
  const open = of("queued").length + of("running").length + of("landing").length;
  return [
    `${total - open} of ${total} ended`,
    ...(["failed", "cancelled", "running", "landing", "queued"] as const).map(counted),
    slowestWords(of("running"), now),
  ];
}

function slowestWords(running: readonly TaskRow[], now: number): string {
  const slowest = running.toSorted((a, b) => a.since - b.since)[0];
  if (slowest === undefined) return "";
  return `${slowest.id} ${span(now - slowest.since)}${onWorker(slowest)}`;
}

function oneParts(task: TaskRow, view: StatusView, now: number): string[] {
  const stage = task.stage === null || task.stage === task.status ? "" : ` (${task.stage})`;
  const worker = view.workers.find((other) => other.worker === task.worker);
  const rows = new Map(view.tasks.map((row) => [row.id, row]));
  return [
    `${task.id} ${task.status}${stage}${onWorker(task)} ${span(now - task.since)}`,
    task.waiting === null ? "" : waitWords(task.waiting, rows, now),
    worker?.last_line == null || task.status !== "running" ? "" : plain(worker.last_line).trim(),
  ];
}

function onWorker(task: TaskRow): string {
  return task.worker === null ? "" : ` on ${task.worker}`;
}
