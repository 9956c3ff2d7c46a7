import { FailureError } from "./errors.ts";
import type { Failure } from "./errors.ts";
import { readFailure, requestIdMax } from "./message.ts";
import type { Answer } from "./message.ts";

/**
 * The connection ended before the answer came; its failure is the reason, as far as one was given.
 * Whether the other side carried the request out is not known.
 */
export class ConnectionLost extends FailureError {
  constructor(reason: Failure) {
    super(reason);
    this.name = "ConnectionLost";
  }
}

type Pending = {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
};

/** Requests of this side that wait for their answer, each under the number it was sent with. */
export class PendingRequests {
  readonly #waiting = new Map<number, Pending>();
  #lastId = 0;

  /** `send` is given the number; when it throws, the promise rejects and nothing stays behind. */
  add(send: (id: number) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#freeId();
      send(id);
      this.#waiting.set(id, { resolve, reject });
    });
  }

  /** An answer that nobody asked for has no effect. */
  settle(answer: Answer): void {
    const pending = this.#waiting.get(answer.id);
    if (pending === undefined) return;
    this.#waiting.delete(answer.id);
    if (answer.error === null) pending.resolve(answer.result);
    else pending.reject(new FailureError(readFailure(answer.error)));
  }

  abandon(reason: Failure): void {
    for (const { reject } of this.#waiting.values()) reject(new ConnectionLost(reason));
    this.#waiting.clear();
  }

  #freeId(): number {
    do this.#lastId = this.#lastId === requestIdMax ? 0 : this.#lastId + 1;
    while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }
}
