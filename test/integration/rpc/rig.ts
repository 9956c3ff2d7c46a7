import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectSocket, createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen } from "../../../daemon/server/listener.ts";
import type { Listener, ListenOptions } from "../../../daemon/server/listener.ts";
import type { Session } from "../../../daemon/server/session.ts";
import { fail, failure, FailureError } from "../../../ipc/errors.ts";
import type { Failure } from "../../../ipc/errors.ts";
import type { EventView } from "../../../ipc/eventView.ts";
import { Peer } from "../../../ipc/peer.ts";
import type { PeerHandlers } from "../../../ipc/peer.ts";

/** A folder for sockets, short enough for their paths; removed with everything in it. */
export async function makeFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "rpc-"));
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  return { path, [Symbol.asyncDispose]: remove };
}

/** A listener that answers every call with its own parameters, unless told otherwise. */
export function serve(socketPath: string, more: Partial<ListenOptions> = {}): Promise<Listener> {
  return listen({
    socketPath,
    hello: () => ({ protocol: 1, version: "0.0.0", pid: process.pid, epoch: 1 }),
    onCall: (_method, params) => params,
    onWorker: () => fail(failure("refused", "No workers here.")),
    onBug: (error) => {
      throw error;
    },
    ...more,
  });
}

export const silent: PeerHandlers = {
  onRequest: (_method, params) => params,
  onNotification: () => {},
  onEnd: () => {},
  onBug: (error) => {
    throw error;
  },
};

/** Two ends of one connection over a real socket. */
export async function connectPeers(
  socketPath: string,
  left: Partial<PeerHandlers>,
  right: Partial<PeerHandlers>,
): Promise<
  { readonly left: Peer; readonly right: Peer; readonly leftSocket: Socket } & AsyncDisposable
> {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const server = createServer(resolve).listen(socketPath);
  await new Promise((listening) => server.once("listening", listening));
  const leftSocket = await openSocket(socketPath);
  const ends = {
    left: new Peer(leftSocket, { ...silent, ...left }),
    right: new Peer(await promise, { ...silent, ...right }),
  };
  server.close();
  const dispose = async (): Promise<void> => {
    for (const end of [ends.left, ends.right]) end[Symbol.dispose]();
    await Promise.all([ends.left.closed, ends.right.closed]);
  };
  return { ...ends, leftSocket, [Symbol.asyncDispose]: dispose };
}

/** A connection that does as it likes. */
export function openSocket(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(socketPath);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

/** A stand-in for the supervisor's events: kept in a list, given to subscribers, backlog first. */
export class EventLog {
  readonly events: EventView[] = [];
  readonly #sessions = new Set<Session>();

  append(count: number): void {
    for (let i = 0; i < count; i += 1) {
      const seq = this.events.length + 1;
      const event = { seq, at: 0, name: "task:started", task: null, detail: {} };
      this.events.push(event);
      for (const session of this.#sessions) session.notify("event", event);
    }
  }

  readonly answer = (params: unknown, session: Session): { seq: number } => {
    const { from_seq: from } = params as { from_seq: number | null };
    for (const event of this.events.slice(from ?? this.events.length))
      session.notify("event", event);
    this.#sessions.add(session);
    session.signal.addEventListener("abort", () => this.#sessions.delete(session));
    return { seq: this.events.length };
  };
}

/**
 * Stands between clients and the supervisor and cuts connections after some of the supervisor's
 * writes, before the next one is passed on: what was asked has then been done, but nobody knows.
 */
export async function cuttingProxy(
  proxyPath: string,
  socketPath: string,
  cutsMax: number,
): Promise<{ readonly cuts: () => number } & AsyncDisposable> {
  let cuts = 0;
  let connections = 0;
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectSocket(socketPath);
    const cut = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        cut();
      });
    }
    // The first write answers the hello; 1 to 4 are let through.
    let passes = 1 + (connections++ % 4);
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk) => {
      if (passes-- > 0 || cuts >= cutsMax) return void near.write(chunk);
      cuts += 1;
      cut();
    });
  }).listen(proxyPath);
  await new Promise((listening) => server.once("listening", listening));
  const dispose = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
  };
  return { cuts: () => cuts, [Symbol.asyncDispose]: dispose };
}

/** The failure that a promise rejects with; anything else is an error of the test. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof FailureError) return error.failure;
  throw new Error(`expected a failure, got ${String(error)}`);
}
