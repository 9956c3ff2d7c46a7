import type { HistoryRow } from "../../ipc/historyViews.ts";
import { outcomeCell } from "./outcome.ts";
import type { Look } from "./paint.ts";
import type { Cell } from "./table.ts";
import { table } from "./table.ts";
import { plain } from "./text.ts";
import { dateTime, span } from "./time.ts";
import { statusStyle } from "./words.ts";

/** One line a finished task: what it was, how it ended, when. */
export function historyTable(tasks: readonly HistoryRow[], look: Look): string {
  if (tasks.length === 0) return "No finished task is like that.";
  const rows = tasks.map((task): Cell[] => [
    task.id,
    { text: task.status, style: statusStyle(task.status) },
    plain(task.title),
    `${task.attempts}`,
    task.duration_ms === null ? "–" : span(task.duration_ms),
    task.status === "cancelled" ? "" : outcomeCell(task),
    dateTime(task.ended_at),
  ]);
  return table(
    [
      { heading: "TASK" },
      { heading: "STATUS" },
      { heading: "TITLE", shrinkTo: 16, first: true },
      { heading: "ATTEMPTS", align: "right" },
      { heading: "TOOK", align: "right" },
      { heading: "COMMIT", shrinkTo: 16 },
      { heading: "ENDED" },
    ],
    rows,
    look,
  );
}
