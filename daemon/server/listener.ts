import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { failure } from "../../ipc/errors.ts";
import type { Failure } from "../../ipc/errors.ts";
import type { Peer } from "../../ipc/peer.ts";
import { greet } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { bindSocketFile, isInPlace } from "./socketFile.ts";
import type { SocketFile } from "./socketFile.ts";

/**
 * The supervisor's socket. Connections outlive their socket file: people run `git clean -fdx`, which
 * removes it, and then only new connections need a new file (`relisten`).
 */
export const connectionsMax = 2000;
/** Beyond it, for workers: clients that take every place must not keep them out. */
export const workerConnectionsMax = 128;

export type ListenOptions = ConnectionOptions & {
  /** Absolute, at most `socketPathBytesMax` bytes. The caller holds the supervisor lock. */
  readonly socketPath: string;
  /** Default `connectionsMax`. */
  readonly connectionsMax?: number;
};

/** Rejects with a `FailureError`: see `bindSocketFile`. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const listener = new Listener(options);
  await listener.open();
  return listener;
}

export class Listener implements AsyncDisposable {
  readonly #options: ListenOptions;
  readonly #peers = new Set<Peer>();
  #server: Server | null = null;
  #file: SocketFile | null = null;
  /** One bind at a time, also when `relisten` is called twice. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** Use `listen`. */
  constructor(options: ListenOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#peers.size;
  }

  get socketPath(): string {
    return this.#options.socketPath;
  }

  /** Called by `listen`, once. */
  async open(): Promise<void> {
    const server = createServer((socket) => this.#admit(socket));
    this.#file = await bindSocketFile(server, this.#options.socketPath);
    // After the bind an error is one of accepting (no file descriptors left): the listening goes on.
    server.on("error", ({ message }) =>
      this.#options.onDropped?.(failure("busy", `A connection could not be accepted: ${message}`)),
    );
    this.#server = server;
  }

  /**
   * Makes the socket file again when it is gone or is not the one that was made; true when it did.
   * Connections stay. Rejects like `listen`; it can be called again then.
   */
  relisten(): Promise<boolean> {
    const again = this.#turn.then(() => this.#relistenIfNeeded());
    this.#turn = again.catch(() => {});
    return again;
  }

  /** Removes the socket, tells everyone connected why (`stopping` by default) and waits until they are gone. */
  async close(reason: Failure = failure("stopping", "The supervisor is stopping.")): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
    this.#server?.close();
    const peers = [...this.#peers];
    for (const peer of peers) peer.close(reason);
    await Promise.all(peers.map((peer) => peer.closed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #relistenIfNeeded(): Promise<boolean> {
    if (this.#isClosed) return false;
    if (this.#file !== null && isInPlace(this.#file)) return false;
    // First: closing a server removes whatever lies at its path. Its connections are not touched.
    this.#server?.close();
    this.#server = null;
    this.#file = null;
    await this.open();
    return true;
  }

  #admit(socket: Socket): void {
    const max = this.#options.connectionsMax ?? connectionsMax;
    const tooMany = failure("busy", `${max} connections are open already.`);
    const refusal = () => (this.#peers.size > max ? tooMany : null);
    const peer = greet(socket, { ...this.#options, clientRefusal: refusal });
    if (this.#peers.size >= max + workerConnectionsMax) return peer.close(tooMany);
    this.#peers.add(peer);
    void peer.closed.then(() => this.#peers.delete(peer));
  }
}
