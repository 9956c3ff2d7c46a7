import { lockViews } from "../views/status.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

export async function locks(
  _params: unknown,
  context: ServerContext,
): Promise<Methods["locks"]["result"]> {
  return context.read((state) => ({ locks: lockViews(state, context) }));
}
