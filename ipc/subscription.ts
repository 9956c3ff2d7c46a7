import { FailureError } from "./errors.ts";
import type { Failure } from "./errors.ts";
import { isRecord } from "./message.ts";
import type { EventView } from "./eventView.ts";
import type { Peer } from "./peer.ts";
import { ConnectionLost } from "./pending.ts";

/**
 * A place in the supervisor's stream of events. It remembers the last sequence it gave out, asks each
 * new connection for what comes after it, and drops what it has seen: nothing is lost, nothing twice.
 */
export class Subscription {
  /** Resolved when the supervisor has agreed; rejected with a `FailureError` when it has not. */
  readonly begun: Promise<void>;
  hasBegun = false;
  readonly #begin: () => void;
  readonly #refuse: (error: FailureError) => void;
  readonly #onEvent: (event: EventView) => void;
  readonly #onRefused: (reason: Failure) => void;
  /** `null`: from now on, and what now is has not been said yet. */
  #seen: number | null;

  constructor(
    fromSeq: number | null,
    onEvent: (event: EventView) => void,
    onRefused: (reason: Failure) => void,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.begun = promise;
    this.#begin = resolve;
    this.#refuse = reject;
    this.#seen = fromSeq;
    this.#onEvent = onEvent;
    this.#onRefused = onRefused;
  }

  ask(peer: Peer): void {
    peer.request("events", { from_seq: this.#seen }).then(
      (result) => {
        if (isRecord(result) && typeof result["seq"] === "number") this.#seen ??= result["seq"];
        this.hasBegun = true;
        this.#begin();
      },
      (error: unknown) => {
        // The next connection is asked again.
        if (error instanceof ConnectionLost || !(error instanceof FailureError)) return;
        this.#onRefused(error.failure);
        this.abandon(error.failure);
      },
    );
  }

  take(params: unknown): void {
    if (!isEvent(params)) return;
    if (this.#seen !== null && params.seq <= this.#seen) return;
    this.#seen = params.seq;
    this.#onEvent(params);
  }

  /** Without effect once it has begun. */
  abandon(reason: Failure): void {
    this.#refuse(new FailureError(reason));
  }
}

function isEvent(value: unknown): value is EventView {
  return isRecord(value) && typeof value["seq"] === "number" && typeof value["name"] === "string";
}
