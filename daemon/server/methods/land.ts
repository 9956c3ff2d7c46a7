import { flag } from "../params.ts";
import { landingView } from "../views/status.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/** Tries now what waits: following the target, and a landing that is held. */
export async function land(
  params: unknown,
  context: ServerContext,
): Promise<Methods["land"]["result"]> {
  await context.land(flag(params, "accept_rewind"));
  const branches = await context.branches();
  return context.read((state) => landingView(state, branches));
}
