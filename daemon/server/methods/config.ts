import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

export function config(_params: unknown, context: ServerContext): Methods["config"]["result"] {
  return context.config();
}
