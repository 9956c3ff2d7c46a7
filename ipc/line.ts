import { setTimeout as pause } from "node:timers/promises";
import { dial } from "./dial.ts";
import { failure, FailureError } from "./errors.ts";
import type { ErrorCode, Failure } from "./errors.ts";
import type { Peer, PeerHandlers } from "./peer.ts";
import { handshakeTimeMs } from "./protocol.ts";
import type { Hello } from "./protocol.ts";

/**
 * A connection to the supervisor that comes back after it was lost.
 *
 *     open() ──► dialling ──► up ──lost──► dialling ──► up …
 *                   │          └──────────────┤
 *                   └──► gone ◄── close(), or no supervisor within `redialMs`
 *
 * Between two dials it waits 25 ms, doubling up to 1 s, each shortened at random by up to a half so
 * that workers and clients of one supervisor do not all dial in the same instant.
 */
export type LineOptions = {
  /** Asked before every dial: the socket may have moved. Throws a `FailureError` when there is none. */
  readonly socket: () => string;
  /** Asked before every dial: what a worker holds changes. */
  readonly hello: () => Hello;
  readonly onRequest: PeerHandlers["onRequest"];
  readonly onNotification: PeerHandlers["onNotification"];
  readonly onBug: PeerHandlers["onBug"];
  readonly onDrain?: () => void;
  readonly onUp: (peer: Peer, welcome: unknown) => void;
  /** The connection was lost and is dialled again; before `onGone` when it is not. */
  readonly onDown: (reason: Failure) => void;
  /** Once: nothing is tried any more. `null`: it was closed on this side. */
  readonly onGone: (reason: Failure | null) => void;
  /** How long a lost connection is dialled again, in milliseconds; `null`: not at all. */
  readonly redialMs: number | null;
  /**
   * True while nothing listens although somebody should: the socket was removed under a living
   * supervisor, which makes it again. The first dial then lasts up to `settlingMs`.
   */
  readonly mayListenSoon?: () => boolean;
};

export const settlingMs = 3_000;

const pauseMinMs = 25;
const pauseMaxMs = 1000;

type State =
  | { readonly name: "dialling"; readonly abort: AbortController }
  | { readonly name: "up"; readonly peer: Peer }
  | { readonly name: "gone"; readonly peer: Peer | null };

export class Line implements AsyncDisposable {
  readonly #options: LineOptions;
  #state: State = { name: "gone", peer: null };

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** The first connection. Rejects with why there is none; the line is gone then. Called once. */
  async open(): Promise<void> {
    await this.#dial(false);
  }

  /** Ends the connection and the dialling; resolves when the socket is closed. */
  async close(reason: Failure | null = null): Promise<void> {
    const state = this.#state;
    if (state.name !== "gone") this.#leave(reason);
    if (this.#state.name === "gone") await this.#state.peer?.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** `isAgain`: pauses before the first attempt too, so that a connection cut at once is no busy loop. */
  async #dial(isAgain: boolean): Promise<void> {
    const abort = new AbortController();
    this.#state = { name: "dialling", abort };
    const lasting = isAgain ? lastingLater : lastingAtFirst;
    const begun = performance.now();
    const deadline = begun + (this.#options.redialMs ?? 0);
    if (isAgain) await pauseJittered(pauseMinMs, abort.signal);
    for (let pauseMs = pauseMinMs; !abort.signal.aborted; pauseMs = longer(pauseMs)) {
      const problem = await this.#dialOnce(abort.signal, deadline);
      if (problem === null || abort.signal.aborted) return;
      const settling =
        problem.code === "no_supervisor" &&
        performance.now() - begun < settlingMs &&
        this.#options.mayListenSoon?.() === true;
      if (settling) {
        await pauseJittered(pauseMs, abort.signal);
        continue;
      }
      if (lasting.has(problem.code) || performance.now() + pauseMs > deadline) {
        this.#leave(problem);
        throw new FailureError(problem);
      }
      await pauseJittered(pauseMs, abort.signal);
    }
  }

  /** `null` when it is up. */
  async #dialOnce(signal: AbortSignal, deadline: number): Promise<Failure | null> {
    const { socket, hello, onUp } = this.#options;
    try {
      const leftMs = Math.max(pauseMaxMs, deadline - performance.now());
      const { peer, welcome } = await dial({
        socket: socket(),
        hello: hello(),
        handlers: this.#handlers(),
        timeMs:
          this.#options.redialMs === null ? handshakeTimeMs : Math.min(handshakeTimeMs, leftMs),
        signal,
      });
      if (signal.aborted) {
        peer.close();
        return null;
      }
      // It may have ended together with its answer; nobody was told of that end.
      if (!peer.isOpen) return await peer.closed;
      this.#state = { name: "up", peer };
      onUp(peer, welcome);
      return null;
    } catch (error) {
      if (error instanceof FailureError) return error.failure;
      throw error;
    }
  }

  #handlers(): PeerHandlers {
    const { onRequest, onNotification, onBug, onDrain } = this.#options;
    const onEnd = (reason: Failure): void => {
      // While dialling, the dial itself reports how it ended.
      if (this.#state.name === "up") this.#comeBack(reason);
    };
    return {
      onRequest,
      onNotification,
      onBug,
      onEnd,
      ...(onDrain === undefined ? {} : { onDrain }),
    };
  }

  #comeBack(reason: Failure): void {
    this.#options.onDown(reason);
    if (this.#options.redialMs === null) return this.#leave(reason);
    this.#dial(true).catch((error: unknown) => {
      if (!(error instanceof FailureError)) throw error;
    });
  }

  #leave(reason: Failure | null): void {
    const state = this.#state;
    if (state.name === "gone") return;
    this.#state = { name: "gone", peer: state.name === "up" ? state.peer : null };
    if (state.name === "dialling") state.abort.abort();
    else state.peer.close();
    this.#options.onGone(reason);
  }
}

function longer(pauseMs: number): number {
  return Math.min(2 * pauseMs, pauseMaxMs);
}

/** Half to all of the time; less when aborted, which the caller sees at the signal. */
async function pauseJittered(pauseMs: number, signal: AbortSignal): Promise<void> {
  await pause(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
}

/** Failures that dialling again does not cure. */
const lastingLater: ReadonlySet<ErrorCode> = new Set([
  "version_mismatch",
  "not_a_repository",
  "refused",
  "invalid_request",
]);
const lastingAtFirst: ReadonlySet<ErrorCode> = new Set([...lastingLater, "no_supervisor"]);

export function goneFailure(reason: Failure | null): Failure {
  if (reason === null) return failure("connection_lost", "The connection was closed on this side.");
  if (reason.code === "connection_lost" || reason.code === "version_mismatch") return reason;
  return failure("connection_lost", `The supervisor was lost: ${reason.message}`);
}
