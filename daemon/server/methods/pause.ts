import { changeViews } from "../changes.ts";
import { settle } from "../decision.ts";
import { labelOf, taskIds } from "../params.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

export async function pause(
  params: unknown,
  context: ServerContext,
): Promise<Methods["pause"]["result"]> {
  const ids = taskIds(params, "ids");
  const label = labelOf(params, ids);
  if (label !== null) {
    const { changed } = settle(await context.ask({ type: "pauseLabel", label }), "change");
    return { tasks: await changeViews(changed, changed, context), all: false };
  }
  const { changed } = settle(await context.ask({ type: "pause", ids }), "change");
  return { tasks: await changeViews(ids, changed, context), all: ids.length === 0 };
}
