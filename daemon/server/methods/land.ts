import { FailureError, failure } from "../../../ipc/errors.ts";
import { flag, record } from "../params.ts";
import { landingView } from "../views/status.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/** Tries now what waits: following the target, and a landing that is held. */
export async function land(
  params: unknown,
  context: ServerContext,
): Promise<Methods["land"]["result"]> {
  await context.land(rewindOf(params));
  const branches = await context.branches();
  return context.read((state) => landingView(state, branches, context.outbox()));
}

function rewindOf(params: unknown): "accept" | "reapply" | null {
  const accept = flag(params, "accept_rewind");
  // Programs of before do not know it.
  const reapply = record(params)["reapply"] !== undefined && flag(params, "reapply");
  if (accept && reapply)
    throw new FailureError(
      failure("invalid_request", "accept_rewind and reapply exclude each other"),
    );
  if (reapply) return "reapply";
  return accept ? "accept" : null;
}
