import type { Socket } from "node:net";
import { failure, FailureError } from "../../ipc/errors.ts";
import type { Failure, Result } from "../../ipc/errors.ts";
import type { ClientHello, HelloView } from "../../ipc/methods.ts";
import { Peer } from "../../ipc/peer.ts";
import type { PeerHandlers } from "../../ipc/peer.ts";
import { handshakeTimeMs, helloMethod, readHello } from "../../ipc/protocol.ts";
import type { WorkerHello, WorkerSettings } from "../../ipc/workerMessages.ts";
import { openSession } from "./session.ts";
import type { Session } from "./session.ts";

/**
 * The life of a connection, seen from the supervisor:
 *
 *     greeting ──hello as client──► client: every request is a call of a session
 *        │    └──hello as worker──► worker: belongs to whoever accepted it
 *        └──anything else, a refused hello, 5 s of silence──► closed
 */
export type ConnectionOptions = {
  /** What a client learns from its hello. */
  readonly hello: () => HelloView;
  /** Answers a client's call; `params` are as they came and have to be checked. */
  readonly onCall: (method: string, params: unknown, session: Session) => unknown;
  /**
   * Decides on a worker that dials in. Who accepts it sets `peer.handlers` before the answer: the
   * worker may send its first notification as soon as it has that.
   */
  readonly onWorker: (
    hello: WorkerHello,
    peer: Peer,
  ) => Result<WorkerSettings> | Promise<Result<WorkerSettings>>;
  /** Why no further client is taken, at the moment of its hello. */
  readonly clientRefusal?: () => Failure | null;
  /** Something threw that is not a failure. `method` is the request it happened in. */
  readonly onBug: (error: unknown, method: string) => void;
  /** A client's or a stranger's connection ended for a reason worth a line in the log. */
  readonly onDropped?: (reason: Failure) => void;
  /** Default `handshakeTimeMs`. */
  readonly handshakeTimeMs?: number;
};

export function greet(socket: Socket, options: ConnectionOptions): Peer {
  const peer = new Peer(socket, {
    onRequest: (method, params) => {
      stopWaiting();
      if (method === helloMethod) return admit(peer, params, options);
      closeAfterAnswer(peer, failure("invalid_request", "The first request has to be hello."));
      throw new FailureError(failure("invalid_request", `${method} was asked before hello.`));
    },
    onNotification: ignore,
    onEnd: (reason) => {
      stopWaiting();
      report(reason, options);
    },
    onBug: options.onBug,
  });
  const timeMs = options.handshakeTimeMs ?? handshakeTimeMs;
  const tooLate = failure("connection_lost", `No hello came within ${timeMs} ms.`);
  const timer = setTimeout(() => peer.close(tooLate), timeMs);
  const stopWaiting = (): void => clearTimeout(timer);
  return peer;
}

/** Answers a hello. A second one on the same connection meets other handlers, which do not know it. */
function admit(peer: Peer, params: unknown, options: ConnectionOptions): unknown {
  const hello = readHello(params);
  if (!hello.ok) return turnAway(peer, hello.failure);
  if (hello.value.role === "worker") return admitWorker(peer, hello.value, options);
  const refusal = options.clientRefusal?.() ?? null;
  if (refusal !== null) return turnAway(peer, refusal);
  return admitClient(peer, hello.value, options);
}

function admitClient(peer: Peer, hello: ClientHello, options: ConnectionOptions): HelloView {
  const { session, onDrain, onEnd } = openSession(peer, hello);
  peer.handlers = {
    onRequest: (method, params) => options.onCall(method, params, session),
    onNotification: ignore,
    onEnd: (reason) => {
      onEnd(reason);
      report(reason, options);
    },
    onBug: options.onBug,
    onDrain,
  };
  return options.hello();
}

async function admitWorker(
  peer: Peer,
  hello: WorkerHello,
  options: ConnectionOptions,
): Promise<WorkerSettings> {
  peer.handlers = untilAccepted(options);
  const accepted = await options.onWorker(hello, peer);
  return accepted.ok ? accepted.value : turnAway(peer, accepted.failure);
}

/** A worker speaks only after its hello was answered, so whatever comes before is a mistake. */
function untilAccepted({ onBug }: ConnectionOptions): PeerHandlers {
  return {
    onRequest: () => {
      throw new FailureError(failure("invalid_request", "The hello has not been answered yet."));
    },
    onNotification: ignore,
    onEnd: ignore,
    onBug,
  };
}

function turnAway(peer: Peer, reason: Failure): never {
  closeAfterAnswer(peer, reason);
  throw new FailureError(reason);
}

/** The answer is written when the handler has returned, so the close has to come a turn later. */
function closeAfterAnswer(peer: Peer, reason: Failure): void {
  peer.handlers = { ...peer.handlers, onRequest: () => turnAwayAgain(reason) };
  setImmediate(() => peer.close(reason));
}

function turnAwayAgain(reason: Failure): never {
  throw new FailureError(reason);
}

/** That a client has gone is its good right; all else is told. */
function report(reason: Failure, { onDropped }: ConnectionOptions): void {
  if (reason.code !== "connection_lost") onDropped?.(reason);
}

function ignore(): void {}
