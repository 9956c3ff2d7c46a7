import { expect } from "chai";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ListenOptions } from "../../../daemon/server/listener.ts";
import { connect } from "../../../ipc/client.ts";
import type { Client } from "../../../ipc/client.ts";
import { failure, FailureError } from "../../../ipc/errors.ts";
import { mintRequestId, mintTaskId } from "../../../ipc/ids.ts";
import type { TaskId } from "../../../ipc/ids.ts";
import { findRepository } from "../../../ipc/locate.ts";
import type { EventView } from "../../../ipc/eventView.ts";
import { makeRepository } from "../../helpers/repository.ts";
import { until } from "../../helpers/until.ts";
import { cuttingProxy, EventLog, failureOf, makeFolder, serve } from "./rig.ts";

/** A supervisor whose method is idempotent: what it was asked before, it answers without doing it again. */
class Ledger {
  readonly done: TaskId[] = [];
  deliveries = 0;

  readonly answer = async (_method: string, params: unknown): Promise<unknown> => {
    const { ids } = params as { ids: TaskId[] };
    this.deliveries += 1;
    this.done.push(...ids.filter((id) => !this.done.includes(id)));
    await new Promise((resolve) => setImmediate(resolve));
    return { tasks: ids.map((id) => ({ id, status: "cancelled", changed: true })) };
  };
}

function answerEvents(log: EventLog): Pick<ListenOptions, "onCall"> {
  return { onCall: (_method, params, session) => log.answer(params, session) };
}

function sequences(events: readonly EventView[]): number[] {
  return events.map(({ seq }) => seq);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

async function cancelOne(client: Client): Promise<TaskId> {
  const id = mintTaskId();
  const { tasks } = await client.call("cancel", { ids: [id] });
  expect(tasks).to.deep.equal([{ id, status: "cancelled", changed: true }]);
  return id;
}

describe("the client", () => {
  it("finds the supervisor of the repository that a directory lies in", async () => {
    await using repository = await makeRepository();
    await using folder = await makeFolder();
    const inside = join(repository.dir, "a", "b");
    mkdirSync(inside, { recursive: true });
    expect((await failureOf(connect({ repo: inside }))).code).to.equal("no_supervisor");
    const stateDir = findRepository(inside)?.stateDir ?? "";
    const socket = join(folder.path, "s");
    mkdirSync(stateDir);
    const record = { pid: 1, epoch: 1, socket, version: "0.0.0", started_at: 1 };
    writeFileSync(join(stateDir, "supervisor.json"), JSON.stringify(record));
    const nobody = await failureOf(connect({ repo: inside }));
    expect(nobody.code).to.equal("no_supervisor");
    expect(nobody.message).to.contain(socket);
    await using _listener = await serve(socket);
    await using client = await connect({ repo: inside });
    expect(client.supervisor).to.include({ protocol: 1, epoch: 1 });
  });

  it("says when a directory is in no repository", async () => {
    await using folder = await makeFolder();
    expect((await failureOf(connect({ repo: folder.path }))).code).to.equal("not_a_repository");
  });

  it("does each of 200 calls of 20 clients once although connections are cut before answers", async () => {
    await using folder = await makeFolder();
    const ledger = new Ledger();
    await using _listener = await serve(join(folder.path, "s"), { onCall: ledger.answer });
    const proxyPath = join(folder.path, "p");
    await using proxy = await cuttingProxy(proxyPath, join(folder.path, "s"), 100);
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => {
        await using client = await connect({ socket: proxyPath });
        const done: TaskId[] = [];
        for (let i = 0; i < 5; i += 1) done.push(await cancelOne(client));
        const together = await Promise.all(Array.from({ length: 5 }, () => cancelOne(client)));
        return [...done, ...together];
      }),
    );
    expect(new Set(ids.flat()).size).to.equal(200);
    expect(ledger.done.toSorted()).to.deep.equal(ids.flat().toSorted());
    expect(proxy.cuts()).to.be.above(20);
    expect(ledger.deliveries).to.be.above(200);
  });

  it("goes on with a subscription and a call across a restart, without loss or repetition", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const log = new EventLog();
    const seen: EventView[] = [];
    const first = await serve(path, {
      onCall: (method, params, session) =>
        method === "events" ? log.answer(params, session) : new Promise(() => {}),
    });
    await using client = await connect({ socket: path });
    log.append(10);
    await client.subscribe(0, (event) => seen.push(event));
    log.append(40);
    await until(() => seen.length === 50);
    const waited = client.call("wait", { ids: [] });
    await first.close();
    log.append(30);
    await using _second = await serve(path, {
      onCall: (method, params, session) =>
        method === "events" ? log.answer(params, session) : { tasks: [] },
    });
    expect(await waited).to.deep.equal({ tasks: [] });
    log.append(20);
    await until(() => seen.length >= 100);
    expect(sequences(seen)).to.deep.equal(numbers(100));
  });

  it("goes on with a subscription when its connections are cut between events", async () => {
    await using folder = await makeFolder();
    const log = new EventLog();
    await using _listener = await serve(join(folder.path, "s"), answerEvents(log));
    const proxyPath = join(folder.path, "p");
    await using proxy = await cuttingProxy(proxyPath, join(folder.path, "s"), 10);
    await using client = await connect({ socket: proxyPath });
    const seen: EventView[] = [];
    await client.subscribe(0, (event) => seen.push(event));
    while (proxy.cuts() < 10) {
      log.append(3);
      await until(() => seen.at(-1)?.seq === log.events.length, { what: "the last event" });
    }
    expect(sequences(seen)).to.deep.equal(numbers(log.events.length));
  });

  it("gives only later events to a subscription that begins now", async () => {
    await using folder = await makeFolder();
    const log = new EventLog();
    log.append(7);
    await using _listener = await serve(join(folder.path, "s"), answerEvents(log));
    await using client = await connect({ socket: join(folder.path, "s") });
    const seen: EventView[] = [];
    await client.subscribe(null, (event) => seen.push(event));
    log.append(2);
    await until(() => seen.length === 2);
    expect(sequences(seen)).to.deep.equal([8, 9]);
    expect((await failureOf(client.subscribe(0, () => {}))).code).to.equal("refused");
  });

  it("passes on why a subscription is refused, and remains usable", async () => {
    await using folder = await makeFolder();
    const log = new EventLog();
    let refusals = 1;
    await using _listener = await serve(join(folder.path, "s"), {
      onCall: (_method, params, session) => {
        if (refusals-- > 0) throw new FailureError(failure("limit", "Too many subscribers."));
        return log.answer(params, session);
      },
    });
    await using client = await connect({ socket: join(folder.path, "s") });
    expect((await failureOf(client.subscribe(0, () => {}))).message).to.contain("Too many");
    const seen: EventView[] = [];
    await client.subscribe(0, (event) => seen.push(event));
    log.append(1);
    await until(() => seen.length === 1);
  });

  it("sends more calls than a peer takes at once without meeting its limit", async () => {
    await using folder = await makeFolder();
    await using _listener = await serve(join(folder.path, "s"), {
      onCall: (_method, params) =>
        new Promise((resolve) => {
          setImmediate(() => resolve(params));
        }),
    });
    await using client = await connect({ socket: join(folder.path, "s") });
    const asked = numbers(10_000).map(() => client.call("wait", { ids: [mintTaskId()] }));
    expect(await Promise.all(asked)).to.have.length(10_000);
  });

  it("holds large calls back rather than overrun its own output", async () => {
    await using folder = await makeFolder();
    await using _listener = await serve(join(folder.path, "s"), { onCall: () => ({}) });
    await using client = await connect({ socket: join(folder.path, "s") });
    const id = "x".repeat(4 * 1024 * 1024) as TaskId;
    await Promise.all(numbers(12).map(() => client.call("wait", { ids: [id] })));
  });

  it("passes a failure of the supervisor on as it is", async () => {
    await using folder = await makeFolder();
    const reason = failure("not_found", "There is no task tx.", { hint: "Look again." });
    await using _listener = await serve(join(folder.path, "s"), {
      onCall: () => {
        throw new FailureError(reason);
      },
    });
    await using client = await connect({ socket: join(folder.path, "s") });
    expect(await failureOf(client.call("show", { id: mintTaskId() }))).to.deep.equal(reason);
  });

  it("rejects a call too large for a frame and serves the next", async () => {
    await using folder = await makeFolder();
    await using _listener = await serve(join(folder.path, "s"));
    await using client = await connect({ socket: join(folder.path, "s") });
    const id = "x".repeat(9_000_000) as TaskId;
    expect((await failureOf(client.call("show", { id }))).code).to.equal("limit");
    expect(await client.call("workers", {})).to.deep.equal({});
  });

  it("gives up when the supervisor does not come back, and says so to every call", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const listener = await serve(path, { onCall: () => new Promise(() => {}) });
    await using client = await connect({ socket: path, reconnect: { timeoutMs: 100 } });
    const calls = numbers(3).map(() => failureOf(client.call("wait", { ids: [] })));
    await listener.close();
    for (const call of calls) expect((await call).code).to.equal("connection_lost");
    expect((await client.closed)?.message).to.contain(path);
    expect((await failureOf(client.call("wait", { ids: [] }))).code).to.equal("connection_lost");
  });

  it("does not dial again when told not to", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const listener = await serve(path, { onCall: () => new Promise(() => {}) });
    await using client = await connect({ socket: path, reconnect: false });
    const call = failureOf(client.call("stop", { mode: "now" }));
    await listener.close();
    expect((await call).message).to.contain("stopping");
    await using _next = await serve(path);
    expect((await client.closed)?.code).to.equal("connection_lost");
  });

  it("rejects what has no answer when it is closed, and leaves nothing connected", async () => {
    await using folder = await makeFolder();
    const onCall = (): Promise<never> => new Promise(() => {});
    await using listener = await serve(join(folder.path, "s"), { onCall });
    const client = await connect({ socket: join(folder.path, "s") });
    const call = failureOf(client.call("wait", { ids: [] }));
    await client.close();
    expect((await call).code).to.equal("connection_lost");
    expect(await client.closed).to.equal(null);
    await until(() => listener.connections === 0);
  });

  it("stops when its signal says so, before, during and after connecting", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "s");
    const reason = new Error("enough");
    const rejected = (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => "connected",
        (error: unknown) => error,
      );
    const aborted = AbortSignal.abort(reason);
    expect(await rejected(connect({ socket: path, signal: aborted }))).to.equal(reason);
    const refused: string[] = [];
    await using _full = await serve(path, {
      connectionsMax: 0,
      onDropped: (dropped) => void refused.push(dropped.code),
    });
    const during = new AbortController();
    const connecting = rejected(connect({ socket: path, signal: during.signal }));
    await until(() => refused.includes("busy"));
    during.abort(reason);
    expect(await connecting).to.equal(reason);
    await using _other = await serve(join(folder.path, "t"));
    const after = new AbortController();
    const client = await connect({ socket: join(folder.path, "t"), signal: after.signal });
    after.abort();
    expect(await client.closed).to.equal(null);
  });

  it("sends a submit again with the same request id", async () => {
    await using folder = await makeFolder();
    const requests: string[] = [];
    const onCall = (_method: string, params: unknown): unknown => {
      requests.push((params as { request: string }).request);
      return { ids: [], existing: [] };
    };
    await using _listener = await serve(join(folder.path, "s"), { onCall });
    await using proxy = await cuttingProxy(join(folder.path, "p"), join(folder.path, "s"), 1);
    await using client = await connect({ socket: join(folder.path, "p") });
    const request = mintRequestId();
    while (proxy.cuts() === 0) {
      requests.length = 0;
      await client.call("submit", { request, tasks: [] });
    }
    expect(requests).to.deep.equal([request, request]);
  });
});
