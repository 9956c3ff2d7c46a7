import type { Failure } from "../../ipc/errors.ts";
import { failure, FailureError } from "../../ipc/errors.ts";
import type { ClientHello } from "../../ipc/methods.ts";
import type { Peer } from "../../ipc/peer.ts";

/** More than this unsent to one client, and it is too slow for its subscription. */
export const subscriberBytesMax = 8 * 1024 * 1024;
/** What a sender of a long past lets pile up before it waits for the client. */
const drainedBytes = subscriberBytesMax / 8;

/** A connected client, as the methods see it. */
export type Session = {
  /** Different for every connection of this supervisor. */
  readonly id: number;
  readonly hello: ClientHello;
  /** Aborted, with a `FailureError` as reason, when the client has gone: `wait` and subscriptions end. */
  readonly signal: AbortSignal;
  /**
   * Sends a notification, for example an `EventView` as `event`. A client that does not read is
   * dropped with everything that was to be sent; it asks again from the last event it has seen.
   * False when the client has gone.
   */
  readonly notify: (method: string, params: unknown) => boolean;
  /**
   * Resolves when little waits to be read by this client, or it has gone. Whoever sends more than the
   * client could take at once (old events) waits for it between two portions.
   */
  readonly drained: () => Promise<void>;
  /** Closes the connection, and says why. */
  readonly end: (reason: Failure) => void;
};

/** For the owner of the connection, who passes on what the peer reports. */
export type OpenSession = {
  readonly session: Session;
  readonly onDrain: () => void;
  readonly onEnd: (reason: Failure) => void;
};

let lastId = 0;

export function openSession(peer: Peer, hello: ClientHello): OpenSession {
  const ended = new AbortController();
  const waiting = new Set<() => void>();
  const onDrain = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const notify = (method: string, params: unknown): boolean => {
    if (!peer.isOpen) return false;
    if (peer.unsentBytes > subscriberBytesMax) {
      peer.close(tooSlow());
      return false;
    }
    try {
      peer.notify(method, params);
    } catch (error) {
      if (!(error instanceof FailureError)) throw error;
      // Too large for a frame: this client misses it, and everybody else goes on.
      peer.close(error.failure);
      return false;
    }
    return true;
  };
  const drained = (): Promise<void> => {
    if (!peer.isOpen || peer.unsentBytes <= drainedBytes) return Promise.resolve();
    return new Promise((resolve) => waiting.add(resolve));
  };
  const onEnd = (reason: Failure): void => {
    ended.abort(new FailureError(reason));
    onDrain();
  };
  return {
    session: {
      id: ++lastId,
      hello,
      signal: ended.signal,
      notify,
      drained,
      end: (reason) => peer.close(reason),
    },
    onDrain,
    onEnd,
  };
}

function tooSlow(): Failure {
  const message = `The client reads too slowly: more than ${subscriberBytesMax} bytes wait for it.`;
  return failure("limit", message);
}
