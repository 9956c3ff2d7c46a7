import type { TaskRow, TaskStatus } from "../../ipc/taskViews.ts";
import type { Cell } from "./table.ts";
import { reasonWords, statusStyle } from "./words.ts";

/** What came of a task: its commit, or why there is none. */
export function outcomeCell(task: Pick<TaskRow, "status" | "commit" | "reason">): Cell {
  if (task.status === "succeeded")
    return task.commit === null
      ? { text: "no change", style: "dim" }
      : { text: task.commit.slice(0, shortOidLength), style: "good" };
  if (task.status === "cancelled") return { text: "cancelled", style: "warn" };
  if (task.status !== "failed") return { text: task.status, style: statusStyle(task.status) };
  return { text: task.reason === null ? "failed" : reasonWords(task.reason), style: "bad" };
}

export function mark(status: TaskStatus): string {
  if (status === "succeeded") return "✓";
  return status === "failed" ? "✗" : "–";
}

export const shortOidLength = 9;
