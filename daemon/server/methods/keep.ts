import { holdId } from "../params.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";
import type { Session } from "../session.ts";

/** A sign of life; on a new connection it also says where the owner is to be reached now. */
export async function keep(
  params: unknown,
  context: ServerContext,
  session: Session,
): Promise<Methods["keep"]["result"]> {
  const hold = holdId(params, "hold");
  const known = await context.read((state) => state.holds.get(hold));
  const heartbeat_ms = context.holds.heartbeatMs();
  if (known === undefined || known.broken) return { held: false, heartbeat_ms };
  context.holds.attach(hold, session.signal);
  context.holds.beat(hold);
  return { held: known.granted !== null, heartbeat_ms };
}
