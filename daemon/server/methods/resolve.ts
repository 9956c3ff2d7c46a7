import { changeViews } from "../changes.ts";
import { objectName, requestId, taskId } from "../params.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/** A person's commit lands instead of the work of a parked task. */
export async function resolve(
  params: unknown,
  context: ServerContext,
): Promise<Methods["resolve"]["result"]> {
  const task = taskId(params, "task");
  const asked = { request: requestId(params), task, commit: objectName(params, "commit") };
  const changed = await context.resolve(asked);
  return { tasks: await changeViews([task], changed, context) };
}
