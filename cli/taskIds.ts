import { failure, FailureError } from "../ipc/errors.ts";
import { isTaskId } from "../ipc/ids.ts";
import type { TaskId } from "../ipc/ids.ts";

/** Ids from the command line; each given twice counts once. Throws `usage` for what cannot be one. */
export function requireTaskIds(texts: readonly string[]): readonly TaskId[] {
  return [...new Set(texts)].map(requireTaskId);
}

export function requireTaskId(text: string): TaskId {
  if (isTaskId(text)) return text;
  const hint = "`orchd status` lists the tasks with their ids.";
  const shown = JSON.stringify(text.slice(0, 80));
  throw new FailureError(failure("usage", `${shown} cannot be a task id.`, { hint }));
}
