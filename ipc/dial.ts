import { connect } from "node:net";
import type { Socket } from "node:net";
import { failure, FailureError } from "./errors.ts";
import type { Failure } from "./errors.ts";
import { Peer } from "./peer.ts";
import type { PeerHandlers } from "./peer.ts";
import { handshakeTimeMs, helloMethod } from "./protocol.ts";
import type { Hello } from "./protocol.ts";

export type DialOptions = {
  /** Absolute path of the supervisor's socket. */
  readonly socket: string;
  readonly hello: Hello;
  /** From the start on: a notification can arrive together with the answer to the hello. */
  readonly handlers: PeerHandlers;
  readonly timeMs?: number;
  readonly signal?: AbortSignal;
};

/** `welcome` is the answer to the hello: `HelloView` for a client, `WorkerSettings` for a worker. */
export type Dialled = { readonly peer: Peer; readonly welcome: unknown };

/**
 * Connects once and says hello. Rejects with a `FailureError`: `no_supervisor` (nothing listens),
 * `refused` (not allowed to), `busy` (too many dial at this moment), `connection_lost` (it closed
 * or did not answer in time), or what the supervisor answered (`version_mismatch`, …).
 */
export async function dial(options: DialOptions): Promise<Dialled> {
  const socket = await open(options.socket, options.signal);
  const peer = new Peer(socket, options.handlers);
  const timeMs = options.timeMs ?? handshakeTimeMs;
  const tooLate = failure("connection_lost", `The supervisor did not answer within ${timeMs} ms.`, {
    hint: "If it hangs, `orchd start --replace` kills it and starts another; agents run on.",
  });
  const timer = setTimeout(() => peer.close(tooLate), timeMs);
  const abort = (): void => peer[Symbol.dispose]();
  options.signal?.addEventListener("abort", abort);
  try {
    return { peer, welcome: await peer.request(helloMethod, options.hello) };
  } catch (error) {
    peer.close();
    throw error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", abort);
  }
}

function open(path: string, signal: AbortSignal | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const abort = (): void => void socket.destroy(new Error("given up"));
    const refuse = (error: NodeJS.ErrnoException): void => {
      signal?.removeEventListener("abort", abort);
      reject(new FailureError(connectFailure(error, path)));
    };
    socket.once("error", refuse);
    socket.once("connect", () => {
      socket.off("error", refuse);
      signal?.removeEventListener("abort", abort);
      resolve(socket);
    });
    if (signal?.aborted === true) abort();
    else signal?.addEventListener("abort", abort);
  });
}

function connectFailure(error: NodeJS.ErrnoException, path: string): Failure {
  switch (error.code) {
    case "ENOENT":
    case "ENOTDIR":
    case "ECONNREFUSED":
      return failure("no_supervisor", `No supervisor listens at ${path}.`);
    case "EACCES":
    case "EPERM":
      return failure("refused", `This user may not connect to ${path}.`);
    case "EAGAIN":
      return failure("busy", `Too many connect to ${path} at this moment.`);
    default:
      return failure("connection_lost", `Cannot connect to ${path}: ${error.message}.`);
  }
}
