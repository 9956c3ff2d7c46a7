import { unreachable } from "../../ipc/errors.ts";
import type { WorkerView } from "../../ipc/statusViews.ts";
import type { Look, Style } from "./paint.ts";
import type { Cell, Column } from "./table.ts";
import { rowsOf } from "./table.ts";
import { plural } from "./text.ts";
import { span } from "./time.ts";

/** One line a worker: what it is, whether it is heard of, and what it runs. */
export function workerLines(workers: readonly WorkerView[], look: Look, indent = "  "): string[] {
  const rows = workers.map((worker): Cell[] => [
    worker.worker,
    { text: worker.state, style: workerStyle(worker.state) },
    worker.pid === null ? "" : `pid ${worker.pid}`,
    worker.tasks.length > 1 ? plural(worker.tasks.length, "task") : (worker.tasks[0] ?? ""),
    worker.stage ?? "",
    heartbeatWords(worker),
    span(look.now - worker.since),
  ]);
  return rowsOf(columns, rows, look, indent);
}

function workerStyle(state: WorkerView["state"]): Style {
  switch (state) {
    case "starting":
      return "warn";
    case "idle":
      return "dim";
    case "busy":
      return "live";
    case "lost":
      return "bad";
    default:
      return unreachable(state);
  }
}

function heartbeatWords(worker: WorkerView): string {
  if (worker.state === "starting" || worker.state === "lost") return "";
  return worker.heartbeat_age_ms === null
    ? "no heartbeat yet"
    : `heartbeat ${span(worker.heartbeat_age_ms)} ago`;
}

const columns: readonly Column[] = [
  {},
  {},
  {},
  { shrinkTo: 24 },
  {},
  { shrinkTo: 9, first: true },
  { align: "right" },
];
