import type { ChangeView, EndView } from "../../ipc/taskViews.ts";
import { mark, outcomeCell } from "./outcome.ts";
import type { Look } from "./paint.ts";
import type { Cell } from "./table.ts";
import { rowsOf } from "./table.ts";
import { plural } from "./text.ts";
import { statusStyle, statusWords } from "./words.ts";

/** How waited-for tasks ended: one line each, then the sum when there are several. */
export function endLines(tasks: readonly EndView[], look: Look): string[] {
  const rows = tasks.map((task): Cell[] => [
    { text: mark(task.status), style: statusStyle(task.status) },
    task.id,
    { text: task.status, style: statusStyle(task.status) },
    task.status === "cancelled" ? "" : outcomeCell(task),
    task.attempts > 1 ? { text: plural(task.attempts, "attempt"), style: "dim" } : "",
  ]);
  const lines = rowsOf([{}, { shrinkTo: 32 }, {}, { shrinkTo: 30 }, {}], rows, look);
  return tasks.length > 1 ? [...lines, sumWords(tasks)] : lines;
}

export function allSucceeded(tasks: readonly EndView[]): boolean {
  return tasks.every((task) => task.status === "succeeded");
}

/** What `cancel`, `retry`, `pause` or `resume` did to each task; `verb` in the past: `cancelled`. */
export function changeLines(tasks: readonly ChangeView[], verb: string, look: Look): string[] {
  const rows = tasks.map((task): Cell[] => [
    task.id,
    task.changed
      ? { text: verb, style: "good" }
      : { text: `nothing to do: it ${statusWords(task.status)}`, style: "dim" },
  ]);
  return rowsOf([{ shrinkTo: 32 }, { shrinkTo: 20 }], rows, look);
}

function sumWords(tasks: readonly EndView[]): string {
  const count = (status: EndView["status"]): number =>
    tasks.filter((task) => task.status === status).length;
  const parts = (["succeeded", "failed", "cancelled"] as const)
    .filter((status) => count(status) > 0)
    .map((status) => `${count(status)} ${status}`);
  return `${plural(tasks.length, "task")}: ${parts.join(", ")}`;
}
