import { changeViews } from "../changes.ts";
import { requestId, taskIds } from "../params.ts";
import { settle } from "../decision.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";
import type { StoredTask } from "../../core/state.ts";
import type { TaskId } from "../../../ipc/ids.ts";

export async function retry(
  params: unknown,
  context: ServerContext,
): Promise<Methods["retry"]["result"]> {
  const request = requestId(params);
  const ids = taskIds(params, "ids");
  const archived = await readArchived(ids, context);
  const command = { type: "retry", request, ids, archived } as const;
  const { changed } = settle(await context.ask(command), "change");
  return { tasks: await changeViews(ids, changed, context) };
}

async function readArchived(
  ids: readonly TaskId[],
  context: ServerContext,
): Promise<ReadonlyMap<TaskId, StoredTask>> {
  const evicted = await context.read((state) =>
    ids.filter((id) => !state.tasks.has(id) && state.finals.has(id)),
  );
  const stored = new Map<TaskId, StoredTask>();
  for (const id of evicted) {
    const task = await context.readTask(id);
    if (task !== null) stored.set(id, task);
  }
  return stored;
}
