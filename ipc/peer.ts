import type { Socket } from "node:net";
import { answer, refusal } from "./answer.ts";
import { failure, FailureError, unreachable } from "./errors.ts";
import type { Failure } from "./errors.ts";
import { encodeFrame, FrameDecoder } from "./frames.ts";
import { notificationMessage, readFailure, readMessage, requestMessage } from "./message.ts";
import type { Request } from "./message.ts";
import { Outbox } from "./outbox.ts";
import { ConnectionLost, PendingRequests } from "./pending.ts";

/**
 * One end of a connection that speaks MessagePack-RPC both ways.
 *
 *     open ──close, a broken message, a goodbye──► closing ──the other end closed, or 1 s──► closed
 *       └──the other end closed, it never reads, dispose───────────────────────────────────────┘
 *
 * Whoever closes for a reason says it first, in a notification `goodbye` that carries a `Failure`.
 * From `closing` on nothing is read any more and nothing new is sent. Requests that are then without
 * an answer fail with `ConnectionLost`; whether the other side executed them is not known.
 */
export const requestsInFlightMax = 4096;
export const outputBytesMax = 32 * 1024 * 1024;
const closingTimeMs = 1000;
const goodbye = "goodbye";

export type PeerHandlers = {
  /** Answers a request with a value or a promise of one. A thrown `FailureError` answers with its failure. */
  readonly onRequest: (method: string, params: unknown) => unknown;
  readonly onNotification: (method: string, params: unknown) => void;
  /** Once, as soon as the connection is of no use any more. */
  readonly onEnd: (reason: Failure) => void;
  /** A handler threw something that is not a failure; the other side was told `internal` and no more. */
  readonly onBug: (error: unknown, method: string) => void;
  /** What waited to be sent has left; for whoever holds back at a high `unsentBytes`. */
  readonly onDrain?: () => void;
};

export class Peer implements Disposable {
  /** May be replaced while the connection is open, as when a handshake decides who is there. */
  handlers: PeerHandlers;
  /** Settled, with the reason, when the socket itself is closed. Never rejected. */
  readonly closed: Promise<Failure>;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #decoder = new FrameDecoder();
  readonly #pending = new PendingRequests();
  #serving = 0;
  #isOpen = true;
  #reason: Failure | null = null;

  /** Takes the socket over: nobody else may read, write or close it. */
  constructor(socket: Socket, handlers: PeerHandlers) {
    this.#socket = socket;
    this.handlers = handlers;
    this.#outbox = new Outbox(socket);
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("drain", () => this.handlers.onDrain?.());
    socket.on("error", (error) => this.#end(failure("connection_lost", error.message)));
    socket.on("end", () => this.#end(this.#lost()));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#end(this.#lost());
        resolve(this.#lost());
      });
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Bytes that the other side has not made room for yet. */
  get unsentBytes(): number {
    return this.#outbox.unsentBytes;
  }

  /**
   * Rejects with the other side's failure, with `ConnectionLost`, with `limit` when the request is
   * too large for a frame or too much waits to be sent already, and with a `TypeError` when it holds
   * what cannot be sent.
   */
  request(method: string, params: unknown): Promise<unknown> {
    if (!this.#isOpen) return Promise.reject(new ConnectionLost(this.#lost()));
    if (this.unsentBytes > outputBytesMax) return Promise.reject(new FailureError(notReading()));
    return this.#pending.add((id) => {
      this.#outbox.add(encodeFrame(requestMessage(id, method, params)));
    });
  }

  /** Without effect on a connection that has ended. Throws `limit` when it is too large for a frame. */
  notify(method: string, params: unknown): void {
    if (this.#isOpen) this.#send(encodeFrame(notificationMessage(method, params)));
  }

  /** Sends what was said until now, then the reason if there is one, and closes. */
  close(reason?: Failure): void {
    if (!this.#isOpen) return;
    if (reason !== undefined) this.#outbox.add(encodeFrame(notificationMessage(goodbye, reason)));
    this.#outbox.flush();
    this.#finish(reason ?? closedHere());
  }

  /** Closes at once; what was not sent yet is lost. */
  [Symbol.dispose](): void {
    this.#end(closedHere());
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    if (!this.#isOpen) return;
    const problem = this.#decoder.push(chunk, (value) => this.#take(value));
    if (problem !== null) this.close(problem);
  }

  #take(value: unknown): void {
    if (!this.#isOpen) return;
    const message = readMessage(value);
    if (message === null)
      return this.close(failure("invalid_request", "Not a MessagePack-RPC message."));
    switch (message.kind) {
      case "request":
        return this.#serve(message);
      case "answer":
        return this.#pending.settle(message);
      case "notification":
        return this.#hear(message.method, message.params);
      default:
        return unreachable(message);
    }
  }

  #serve(request: Request): void {
    if (this.#serving >= requestsInFlightMax) {
      const message = `${requestsInFlightMax} requests wait for an answer already.`;
      return this.#send(refusal(request, failure("busy", message)));
    }
    this.#serving += 1;
    answer(request, this.handlers, (frame) => {
      this.#serving -= 1;
      if (this.#isOpen) this.#send(frame);
    });
  }

  #hear(method: string, params: unknown): void {
    if (method === goodbye) return this.#finish(readFailure(params));
    try {
      this.handlers.onNotification(method, params);
    } catch (error) {
      this.handlers.onBug(error, method);
    }
  }

  #send(frame: Uint8Array): void {
    this.#outbox.add(frame);
    if (this.unsentBytes <= outputBytesMax) return;
    // It would not read a goodbye either.
    this.#end(notReading());
    this.#socket.destroy();
  }

  #finish(reason: Failure): void {
    this.#end(reason);
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), closingTimeMs);
    this.#socket.once("close", () => clearTimeout(timer));
  }

  #end(reason: Failure): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#reason = reason;
    this.#outbox.drop();
    this.#pending.abandon(reason);
    this.handlers.onEnd(reason);
  }

  #lost(): Failure {
    return this.#reason ?? failure("connection_lost", "The other side closed the connection.");
  }
}

function closedHere(): Failure {
  return failure("connection_lost", "The connection was closed on this side.");
}

function notReading(): Failure {
  const message = `The other side does not read: more than ${outputBytesMax} bytes wait for it.`;
  return failure("limit", message);
}
