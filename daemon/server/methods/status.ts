import { count } from "../params.ts";
import { statusView } from "../views/status.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

const finishedMax = 1_000;
const openMax = 10_000;

export async function status(
  params: unknown,
  context: ServerContext,
): Promise<Methods["status"]["result"]> {
  const query = {
    finished_max: count(params, "finished_max", finishedMax),
    open_max: count(params, "open_max", openMax),
  };
  const branches = await context.branches();
  return context.read((state) => statusView(state, context, query, branches));
}
