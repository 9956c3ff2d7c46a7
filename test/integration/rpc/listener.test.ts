import { expect } from "chai";
import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fitsSocketPath, socketPathBytesMax } from "../../../daemon/server/socketFile.ts";
import { connect } from "../../../ipc/client.ts";
import { dial } from "../../../ipc/dial.ts";
import { ok } from "../../../ipc/errors.ts";
import type { Failure } from "../../../ipc/errors.ts";
import { encodeFrame } from "../../../ipc/frames.ts";
import { workerId } from "../../../ipc/ids.ts";
import { Peer } from "../../../ipc/peer.ts";
import { protocolVersion } from "../../../ipc/protocol.ts";
import type { WorkerHello, WorkerSettings } from "../../../ipc/workerMessages.ts";
import { until } from "../../helpers/until.ts";
import { EventLog, failureOf, makeFolder, openSocket, serve, silent } from "./rig.ts";

const clientHello = { role: "client", protocol: protocolVersion, version: "0.0.0" } as const;
const workerHello: WorkerHello = {
  role: "worker",
  protocol: protocolVersion,
  version: "0.0.0",
  worker: workerId("worker", 1),
  token: "token",
  pid: process.pid,
  holding: [],
};

/** A client that has said hello and then does as it likes. */
async function greetedSocket(socketPath: string): Promise<Socket> {
  const socket = await openSocket(socketPath);
  socket.write(encodeFrame([0, 1, "hello", clientHello]));
  await new Promise((answered) => socket.once("data", answered));
  return socket;
}

describe("the listener's socket", () => {
  it("lets only its user in: folder 0700, socket 0600", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "new", "s");
    await using listener = await serve(path);
    expect(listener.socketPath).to.equal(path);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(statSync(dirname(path)).mode & 0o777).to.equal(0o700);
  });

  it("closes a folder of its own that others could enter, and refuses one that is shared", async () => {
    await using folder = await makeFolder();
    mkdirSync(join(folder.path, "own"), { mode: 0o755 });
    await using _listener = await serve(join(folder.path, "own", "s"));
    expect(statSync(join(folder.path, "own")).mode & 0o777).to.equal(0o700);
    const shared = join(folder.path, "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    expect((await failureOf(serve(join(shared, "s")))).code).to.equal("refused");
    expect(statSync(shared).mode & 0o777).to.equal(0o777);
  });

  it("replaces a stale socket but nothing else", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const abandoned = createServer().listen(path);
    await new Promise((listening) => abandoned.once("listening", listening));
    await using listener = await serve(path);
    await using client = await connect({ socket: path, reconnect: false });
    expect(await client.call("workers", {})).to.deep.equal({});
    abandoned.close();
    await listener.relisten();
    const file = join(folder.path, "file");
    writeFileSync(file, "precious");
    expect((await failureOf(serve(file))).message).to.contain("is not a socket");
  });

  it("says when a path is too long for a socket", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "x".repeat(socketPathBytesMax));
    expect(fitsSocketPath(path)).to.equal(false);
    const reason = await failureOf(serve(path));
    expect(reason.code).to.equal("limit");
    expect(reason.message).to.contain(`${socketPathBytesMax} fit`);
    const longest = join(folder.path, "x".repeat(socketPathBytesMax - folder.path.length - 1));
    await using _listener = await serve(longest);
    await using client = await connect({ socket: longest, reconnect: false });
    expect(client.supervisor.pid).to.equal(process.pid);
  });

  it("comes back after it was removed, and connections live on", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "state", "s");
    await using listener = await serve(path);
    await using before = await connect({ socket: path, reconnect: false });
    expect(await listener.relisten()).to.equal(false);
    rmSync(dirname(path), { recursive: true });
    expect((await failureOf(connect({ socket: path }))).code).to.equal("no_supervisor");
    expect(await Promise.all([listener.relisten(), listener.relisten()])).to.deep.equal([
      true,
      false,
    ]);
    await using after = await connect({ socket: path, reconnect: false });
    expect(await before.call("workers", {})).to.deep.equal({});
    expect(await after.call("workers", {})).to.deep.equal({});
    expect(listener.connections).to.equal(2);
  });

  it("is gone after close, and everyone connected was told why", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const listener = await serve(path);
    await using client = await connect({ socket: path, reconnect: false });
    await listener.close();
    expect(statSync(path, { throwIfNoEntry: false })).to.equal(undefined);
    expect((await client.closed)?.message).to.contain("The supervisor is stopping");
    expect(listener.connections).to.equal(0);
  });
});

describe("the listener", () => {
  it("closes a connection that does not say hello in time", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    await using listener = await serve(path, { handshakeTimeMs: 30 });
    const socket = await openSocket(path);
    socket.resume();
    await new Promise((closed) => socket.once("close", closed));
    await until(() => listener.connections === 0);
  });

  it("keeps a client that has said hello beyond that time", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    await using listener = await serve(path, { handshakeTimeMs: 30 });
    await using client = await connect({ socket: path, reconnect: false });
    const stranger = await openSocket(path);
    stranger.resume();
    await new Promise((closed) => stranger.once("close", closed));
    expect(await client.call("workers", {})).to.deep.equal({});
    expect(listener.connections).to.equal(1);
  });

  it("answers another protocol version with both versions", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    await using listener = await serve(path);
    const hello = { ...clientHello, protocol: 99 };
    const reason = await failureOf(dial({ socket: path, hello, handlers: silent }));
    expect(reason.code).to.equal("version_mismatch");
    expect(reason.message).to.contain("99").and.to.contain(`version ${protocolVersion}.`);
    await until(() => listener.connections === 0);
  });

  for (const [what, hello] of [
    ["a list", []],
    ["without a role", { protocol: protocolVersion, version: "1" }],
    ["of a worker with a path for a name", { ...workerHello, worker: "../worker-1" }],
    ["of a worker that holds nonsense", { ...workerHello, holding: [{ task: "A B" }] }],
  ] as const) {
    it(`turns away a hello ${what}`, async () => {
      await using folder = await makeFolder();
      await using _listener = await serve(join(folder.path, "s"));
      const socket = await openSocket(join(folder.path, "s"));
      const peer = new Peer(socket, silent);
      expect((await failureOf(peer.request("hello", hello))).code).to.equal("invalid_request");
      expect((await peer.closed).code).to.equal("invalid_request");
    });
  }

  it("turns away whoever asks for anything before hello", async () => {
    await using folder = await makeFolder();
    let calls = 0;
    await using _listener = await serve(join(folder.path, "s"), { onCall: () => (calls += 1) });
    const peer = new Peer(await openSocket(join(folder.path, "s")), silent);
    const answers = [peer.request("stop", {}), peer.request("hello", clientHello)].map(failureOf);
    for (const answer of answers) expect((await answer).code).to.equal("invalid_request");
    await peer.closed;
    expect(calls).to.equal(0);
  });

  it("hands a worker that it accepts to the owner of workers, who may speak first", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const heard: unknown[] = [];
    await using _listener = await serve(path, {
      onWorker: async (hello, peer) => {
        const onNotification = (method: string): void =>
          void heard.push(`${hello.worker}: ${method}`);
        peer.handlers = { ...silent, onNotification };
        peer.notify("worker.assign", []);
        return ok({ epoch: 7 } as WorkerSettings);
      },
    });
    const onNotification = (method: string): void => void heard.push(method);
    const handlers = { ...silent, onNotification };
    const { peer, welcome } = await dial({ socket: path, hello: workerHello, handlers });
    expect(welcome).to.deep.equal({ epoch: 7 });
    peer.notify("worker.heartbeat", {});
    await until(() => heard.length === 2);
    expect(heard).to.deep.equal(["worker.assign", "worker-1: worker.heartbeat"]);
    peer.close();
    await peer.closed;
  });

  it("tells a worker that is refused why, and closes", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    await using listener = await serve(path);
    const reason = await failureOf(dial({ socket: path, hello: workerHello, handlers: silent }));
    expect(reason).to.include({ code: "refused", message: "No workers here." });
    await until(() => listener.connections === 0);
  });

  it("turns away a connection too many as busy and takes one again when another has left", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    await using listener = await serve(path, { connectionsMax: 2 });
    await using _first = await connect({ socket: path, reconnect: false });
    const second = await connect({ socket: path, reconnect: false });
    const third = await failureOf(connect({ socket: path, reconnect: false }));
    expect(third.code).to.equal("busy");
    await second.close();
    await until(() => listener.connections === 1);
    await using fourth = await connect({ socket: path, reconnect: false });
    expect(await fourth.call("workers", {})).to.deep.equal({});
  });

  it("serves beside 1,000 idle connections", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    await using listener = await serve(path);
    const idle = await Promise.all(Array.from({ length: 1000 }, () => greetedSocket(path)));
    expect(listener.connections).to.equal(1000);
    await using client = await connect({ socket: path, reconnect: false });
    expect(await client.call("show", { id: workerHello.worker as never })).to.deep.equal({
      id: workerHello.worker,
    });
    for (const socket of idle) socket.destroy();
    await until(() => listener.connections === 1);
  });

  it("closes only the connection that announces a frame too large", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const dropped: string[] = [];
    const onDropped = (reason: Failure): void => void dropped.push(reason.code);
    await using listener = await serve(path, { onDropped });
    await using client = await connect({ socket: path, reconnect: false });
    const socket = await greetedSocket(path);
    socket.resume();
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
    await new Promise((closed) => socket.once("close", closed));
    expect(dropped).to.deep.equal(["limit"]);
    expect(await client.call("workers", {})).to.deep.equal({});
    await until(() => listener.connections === 1);
  });

  it("drops a client that asks and never reads, and serves the others meanwhile", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const dropped: string[] = [];
    const chunk = new Uint8Array(256 * 1024);
    await using listener = await serve(path, {
      onCall: (method, params) => (method === "logs" ? chunk : params),
      onDropped: (reason) => void dropped.push(reason.code),
    });
    await using client = await connect({ socket: path, reconnect: false });
    const greedy = await greetedSocket(path);
    greedy.pause();
    for (let id = 2; id < 302; id += 1) greedy.write(encodeFrame([0, id, "logs", {}]));
    while (listener.connections > 1) {
      expect(await client.call("workers", {})).to.deep.equal({});
    }
    expect(dropped).to.deep.equal(["limit"]);
    greedy.destroy();
  });

  it("drops a subscriber that does not read, and the session says so", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const log = new EventLog();
    let isGone = false;
    await using listener = await serve(path, {
      onCall: (_method, params, session) => {
        session.signal.addEventListener("abort", () => (isGone = true));
        return log.answer(params, session);
      },
    });
    const slow = await greetedSocket(path);
    slow.write(encodeFrame([0, 2, "events", { from_seq: null }]));
    await new Promise((answered) => slow.once("data", answered));
    slow.pause();
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 500 && !isGone; i += 1) {
      log.append(1000);
      await turn();
    }
    expect(isGone).to.equal(true);
    await until(() => listener.connections === 0);
    slow.destroy();
  });

  it("lets a sender wait for a client, so that a long past does not count as slowness", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const portions = 40;
    const portion = new Uint8Array(1024 * 1024);
    await using _listener = await serve(path, {
      onCall: async (_method, _params, session) => {
        for (let i = 0; i < portions; i += 1) {
          await session.drained();
          session.notify("event", { seq: i + 1, name: "task:started", portion });
        }
        return { seq: portions };
      },
    });
    await using client = await connect({ socket: path, reconnect: false });
    let seen = 0;
    await client.subscribe(0, () => (seen += 1));
    expect(seen).to.equal(portions);
  });

  it("does not let a sender wait for a client that has gone", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    let isWaiting = false;
    let hasEnded = false;
    await using _listener = await serve(path, {
      onCall: async (_method, _params, session) => {
        session.notify("event", { portion: new Uint8Array(4 * 1024 * 1024) });
        isWaiting = true;
        await session.drained();
        hasEnded = session.signal.aborted;
      },
    });
    const gone = await greetedSocket(path);
    gone.pause();
    gone.write(encodeFrame([0, 2, "events", {}]));
    await until(() => isWaiting);
    gone.destroy();
    await until(() => hasEnded);
  });
});
