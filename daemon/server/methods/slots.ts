import { slotsView } from "../views/slots.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

export async function slots(
  _params: unknown,
  context: ServerContext,
): Promise<Methods["slots"]["result"]> {
  return context.read((state) => slotsView(state, context));
}
