import { call } from "./server/methods.ts";
import { connectionsMax, listen } from "./server/listener.ts";
import { openFilesLimit, openFilesReserved } from "../system/openFiles.ts";
import { packageVersion } from "../ipc/version.ts";
import { protocolVersion } from "../ipc/protocol.ts";
import type { Ground, Parts } from "./assembly.ts";
import type { Listener } from "./server/listener.ts";
import type { ServerContext } from "./server/context.ts";

/** Clients and workers of the repository come in here. */
export async function openSocket(
  socketPath: string,
  { pool }: Parts,
  { epoch, log, onBug }: Ground,
  context: () => ServerContext,
): Promise<Listener> {
  return await listen({
    socketPath,
    connectionsMax: connectionsAllowed(openFilesLimit()),
    hello: () => ({
      protocol: protocolVersion,
      version: packageVersion(),
      pid: process.pid,
      epoch,
    }),
    onCall: (method, params, session) => call(method, params, context(), session),
    onWorker: (hello, peer) => pool.admit(hello, peer),
    onBug,
    onDropped: (reason) => log.info("a connection was closed", { ...reason }),
  });
}

/** A connection takes an open file; what else needs one must not go without. */
function connectionsAllowed(openFiles: number | null): number {
  return Math.min(connectionsMax, (openFiles ?? Number.POSITIVE_INFINITY) - openFilesReserved);
}
