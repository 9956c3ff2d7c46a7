import type { ChangeView } from "../../ipc/taskViews.ts";
import type { ServerContext } from "./context.ts";
import type { TaskId } from "../../ipc/ids.ts";

/** How the tasks stand after a change that was asked for, and which of them it changed. */
export function changeViews(
  ids: readonly TaskId[],
  changed: readonly TaskId[],
  context: ServerContext,
): Promise<ChangeView[]> {
  const touched = new Set(changed);
  return context.read((state) =>
    ids.flatMap((id) => {
      const status = state.tasks.get(id)?.life.status ?? state.finals.get(id)?.status;
      return status === undefined ? [] : [{ id, status, changed: touched.has(id) }];
    }),
  );
}
