import { choice } from "../params.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/** Answers when stopping has begun; the connection closes when the supervisor is gone. */
export async function stop(
  params: unknown,
  context: ServerContext,
): Promise<Methods["stop"]["result"]> {
  return await context.stop(choice(params, "mode", ["drain", "now", "restart"]));
}
