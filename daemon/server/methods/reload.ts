import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/** Reads orchd.yaml again; an invalid one is refused and the present configuration stays. */
export function reload(
  _params: unknown,
  context: ServerContext,
): Promise<Methods["reload"]["result"]> {
  return context.reload();
}
