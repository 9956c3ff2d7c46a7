import { claimsOf, submissionOf, taskIdsOf } from "./asking.ts";
import type { AskedClaims } from "./asking.ts";
import { failure, FailureError } from "./errors.ts";
import type { Failure } from "./errors.ts";
import { goneFailure, Line } from "./line.ts";
import { findRepository, findSupervisor, readSupervisorRecord } from "./locate.ts";
import type { CheckView } from "./claimViews.ts";
import type { EventView } from "./eventView.ts";
import type { HelloView, MethodName, Methods } from "./methods.ts";
import type { SlotsView } from "./statusViews.ts";
import { outputBytesMax, requestsInFlightMax } from "./peer.ts";
import type { Peer } from "./peer.ts";
import { ConnectionLost } from "./pending.ts";
import { protocolVersion } from "./protocol.ts";
import { Subscription } from "./subscription.ts";
import { packageVersion } from "./version.ts";

/**
 * The client of the supervisor:
 *
 *     await using client = await connect({ repo: "." });
 *     const { ids } = await client.submit({ run: ["make", "docs"], claims: ["docs/"] });
 *     const { tasks } = await client.wait(ids);
 *
 * `call` asks for any method of `ipc/methods.ts`.
 *
 * A call is in one of two places: waiting to be sent, or sent. When the connection is lost, what was
 * sent goes back to waiting, ahead of the rest, and is sent again on the next connection. That is
 * safe because every method is idempotent: ids and request ids are minted by the caller.
 */
export type ConnectOptions = {
  /** A directory in the repository. Default: the current one. Not looked at when `socket` is given. */
  readonly repo?: string;
  /** Path of the supervisor's socket, instead of the one that the repository's supervisor names. */
  readonly socket?: string;
  /** Ends the attempt to connect, and later closes the client. */
  readonly signal?: AbortSignal;
  /** Whether a lost connection is dialled again, and for how long. Default: for 10 s. */
  readonly reconnect?: boolean | { readonly timeoutMs: number };
};

const reconnectTimeMs = 10_000;
/** The one request beside the calls is a subscription's. */
const callsInFlightMax = requestsInFlightMax - 1;
/** Calls are held back while more than this waits to be sent, so that no burst hits the peer's limit. */
const unsentBytesHigh = outputBytesMax / 4;

/**
 * Rejects with a `FailureError`: `not_a_repository`, `no_supervisor` (naming the socket),
 * `version_mismatch`, `refused`, `busy`, `connection_lost`; with the signal's reason when aborted.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const { signal } = options;
  signal?.throwIfAborted();
  const client = new Client(options);
  const abort = (): void => void client.close();
  signal?.addEventListener("abort", abort);
  void client.closed.then(() => signal?.removeEventListener("abort", abort));
  await client.open();
  signal?.throwIfAborted();
  return client;
}

type Call = {
  readonly method: MethodName;
  readonly params: unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
};

export class Client implements AsyncDisposable {
  /** Settled when the client is of no use any more: why, or `null` after `close`. Never rejected. */
  readonly closed: Promise<Failure | null>;
  readonly #line: Line;
  readonly #markClosed: (reason: Failure | null) => void;
  #peer: Peer | null = null;
  #hello: HelloView | null = null;
  #waiting = new Set<Call>();
  #sent = new Set<Call>();
  #subscription: Subscription | null = null;
  #gone: Failure | null = null;

  /** Use `connect`. */
  constructor(options: ConnectOptions) {
    const { promise, resolve } = Promise.withResolvers<Failure | null>();
    this.closed = promise;
    this.#markClosed = resolve;
    this.#line = new Line({
      socket: socketFinder(options),
      hello: () => ({ role: "client", protocol: protocolVersion, version: packageVersion() }),
      onRequest: refuseRequest,
      onNotification: (method, params) => {
        if (method === "event") this.#subscription?.take(params);
      },
      onBug: rethrow,
      onDrain: () => this.#pump(),
      onUp: (peer, welcome) => this.#resume(peer, welcome as HelloView),
      onDown: () => this.#interrupt(),
      onGone: (reason) => this.#give(reason),
      redialMs: redialTime(options.reconnect ?? true),
      mayListenSoon: () => supervisorLives(options),
    });
  }

  /** Called by `connect`, once. */
  async open(): Promise<void> {
    await this.#line.open();
  }

  /** What the supervisor said of itself when the present connection was made. */
  get supervisor(): HelloView {
    if (this.#hello === null) throw new Error("connect has not finished");
    return this.#hello;
  }

  /**
   * Asks the supervisor. Rejects with a `FailureError`: its own failure, `limit` when the parameters
   * are larger than a frame, `connection_lost` when the supervisor did not come back in time.
   */
  call<Name extends MethodName>(
    method: Name,
    params: Methods[Name]["params"],
  ): Promise<Methods[Name]["result"]> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#gone !== null) return reject(new FailureError(this.#gone));
      this.#waiting.add({ method, params, resolve, reject });
      this.#pump();
    }) as Promise<Methods[Name]["result"]>;
  }

  /** How many tasks could start at once, and what keeps a new one from starting. */
  async slots(): Promise<SlotsView> {
    return await this.call("slots", {});
  }

  /**
   * Who would be in the way of these claims if they were asked for now: holders, and those who wait.
   * Globs as in a task file; a folder that exists means all below it. `null`: the claims of a task that
   * declares none. Rejects with `invalid_request` for what is no glob, `refused` for more of a resource
   * than exists. It is an answer of the moment: to have the claims, submit a task or take a lock.
   */
  async check(claims: AskedClaims | null): Promise<CheckView> {
    return await this.call("check", { claims: claimsOf(claims) });
  }

  /**
   * Submits a task, or `{tasks: […]}`, in the format of a task file: all of them or none. Resolves with
   * their ids, in that order, when they are durable. Rejects with `invalid_task` and everything wrong
   * with them, `id_taken`, `limit`, `refused`.
   */
  async submit(tasks: unknown): Promise<Methods["submit"]["result"]> {
    const { config } = await this.call("config", {});
    return await this.call("submit", await submissionOf(tasks, config.limits.timeout_ms));
  }

  /**
   * Resolves when all of these tasks have ended, in that order, however they ended, also across lost
   * connections and a supervisor that starts anew. Rejects with `not_found`, or with `limit` when
   * `timeoutMs` (counted anew after a lost connection) is over; the tasks go on.
   */
  async wait(
    ids: readonly string[],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<Methods["wait"]["result"]> {
    return await this.call("wait", { ids: taskIdsOf(ids), timeout_ms: options.timeoutMs ?? null });
  }

  /**
   * Gives every event after sequence `fromSeq` to `onEvent` (`0`: all that are kept; `null`: those
   * from now on), each once and in order, also across lost connections. Resolves when it has begun.
   * One subscription a client, until the client closes.
   */
  async subscribe(fromSeq: number | null, onEvent: (event: EventView) => void): Promise<void> {
    if (this.#gone !== null) throw new FailureError(this.#gone);
    if (this.#subscription !== null) {
      throw new FailureError(failure("refused", "This client has a subscription already."));
    }
    const subscription = new Subscription(fromSeq, onEvent, (reason) => {
      this.#subscription = null;
      // One that had begun has promised every event; it cannot go on with a gap in silence.
      if (subscription.hasBegun) void this.#line.close(reason);
    });
    this.#subscription = subscription;
    if (this.#peer !== null) subscription.ask(this.#peer);
    await subscription.begun;
  }

  /** Ends the connection; calls without an answer reject with `connection_lost`. */
  async close(): Promise<void> {
    await this.#line.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #resume(peer: Peer, welcome: HelloView): void {
    this.#peer = peer;
    this.#hello = welcome;
    this.#subscription?.ask(peer);
    this.#pump();
  }

  #interrupt(): void {
    this.#peer = null;
    this.#waiting = new Set([...this.#sent, ...this.#waiting]);
    this.#sent = new Set();
  }

  #give(reason: Failure | null): void {
    this.#peer = null;
    const gone = goneFailure(reason);
    this.#gone = gone;
    for (const call of [...this.#sent, ...this.#waiting]) call.reject(new FailureError(gone));
    this.#sent.clear();
    this.#waiting.clear();
    this.#subscription?.abandon(gone);
    this.#markClosed(reason === null ? null : gone);
  }

  #pump(): void {
    const peer = this.#peer;
    if (peer === null || this.#waiting.size === 0) return;
    for (const call of this.#waiting) {
      if (this.#sent.size >= callsInFlightMax || peer.unsentBytes > unsentBytesHigh) return;
      this.#waiting.delete(call);
      this.#send(call, peer);
    }
  }

  #send(call: Call, peer: Peer): void {
    this.#sent.add(call);
    const settle = (): void => {
      this.#sent.delete(call);
      // An answer that came in the last moment of a connection: the call waits to be sent again.
      this.#waiting.delete(call);
      this.#pump();
    };
    peer.request(call.method, call.params).then(
      (result) => {
        settle();
        call.resolve(result);
      },
      (error: unknown) => {
        // Then it is waiting again, or was rejected when the line was given up.
        if (error instanceof ConnectionLost) return;
        settle();
        call.reject(error);
      },
    );
  }
}

function socketFinder(options: ConnectOptions): () => string {
  const { socket, repo = process.cwd() } = options;
  if (socket !== undefined) return () => socket;
  return () => {
    const repository = findRepository(repo);
    if (repository === null) {
      throw new FailureError(failure("not_a_repository", `${repo} is not in a git repository.`));
    }
    const found = findSupervisor(repository);
    if (!found.ok) throw new FailureError(found.failure);
    return found.value.socket;
  };
}

/** Its record names a process that exists: a socket that is gone will be made again. */
function supervisorLives({ socket, repo = process.cwd() }: ConnectOptions): boolean {
  const repository = socket === undefined ? findRepository(repo) : null;
  const record = repository === null ? null : readSupervisorRecord(repository.stateDir);
  if (record === null) return false;
  try {
    return process.kill(record.pid, 0);
  } catch {
    return false;
  }
}

function redialTime(reconnect: NonNullable<ConnectOptions["reconnect"]>): number | null {
  if (reconnect === false) return null;
  return reconnect === true ? reconnectTimeMs : reconnect.timeoutMs;
}

function refuseRequest(method: string): never {
  throw new FailureError(failure("invalid_request", `A client does not answer ${method}.`));
}

/** What `onEvent` throws is the embedding program's own: it surfaces as an uncaught exception there. */
function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
