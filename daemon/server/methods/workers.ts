import { workerViews } from "../views/status.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

export async function workers(
  _params: unknown,
  context: ServerContext,
): Promise<Methods["workers"]["result"]> {
  return context.read((state) => ({ workers: workerViews(state, context.workers()) }));
}
