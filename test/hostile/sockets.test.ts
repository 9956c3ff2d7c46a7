import { readFileSync } from "node:fs";
import { connect as dialSocket } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { connect } from "../../ipc/client.ts";
import type { Client } from "../../ipc/client.ts";
import { encodeFrame, frameBytesMax } from "../../ipc/frames.ts";
import { helloMethod, protocolVersion } from "../../ipc/protocol.ts";
import { makeSupervised, supervisorPid } from "../helpers/supervised.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { TaskId } from "../../ipc/ids.ts";
import { until } from "../helpers/until.ts";

/**
 * Bad neighbours on the socket of a real supervisor. Whatever they do, it answers the client beside
 * them, and what they cost in memory is bounded. Both are printed.
 */
const answerMsMax = 250;
const rssGrowthMbMax = 64;
const idleMax = 1_000;
const asksMin = 100;
/** Waits for a start in an hour: it changes whenever it is paused and resumed, and never runs. */
const sleeper = { id: "sleeper", not_before: "1h", run: ["true"] };

const sleeperId = sleeper.id as TaskId;

describe("a socket", function () {
  this.timeout(60_000);
  let supervised: Supervised;
  let client: Client;
  const open: Socket[] = [];

  before(async () => {
    supervised = await makeSupervised({ config: { max_parallel: 1 } });
    client = await supervised.client();
    await supervised.submit(sleeper);
  });

  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
  });

  after(async () => {
    await supervised[Symbol.asyncDispose]();
  });

  it("that garbage, half and oversized frames come in by serves the others, and drops who sent them", async () => {
    await serves("garbage", async () => {
      for (let round = 0; round < 50; round += 1) {
        const bytes = Buffer.from(
          Array.from({ length: 4_096 }, (_, at) => (at * 31 + round) % 256),
        );
        const header = Buffer.alloc(4);
        header.writeUInt32BE(frameBytesMax + 1 + round);
        const half = hello().subarray(0, 9);
        const strangers = await Promise.all([dial(), dial(), dial(), dial()]);
        const [garbage, oversized, cutOff, wrongBody] = strangers;
        garbage?.write(bytes);
        oversized?.write(header);
        cutOff?.end(half);
        wrongBody?.write(Buffer.concat([Buffer.from([0, 0, 0, 4]), bytes.subarray(0, 4)]));
        await Promise.all(strangers.map((socket) => ended(socket)));
      }
    });
  });

  it("that oversized and broken frames come in by after a good hello serves the others", async () => {
    await serves("bad frames of clients", async () => {
      for (let round = 0; round < 25; round += 1) {
        const greeted = await Promise.all([greet(), greet()]);
        greeted[0].write(Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3]));
        greeted[1].write(Buffer.from([0, 0, 0, 3, 0xc1, 0xc1, 0xc1]));
        await Promise.all(greeted.map((socket) => ended(socket)));
      }
    });
  });

  it("that somebody sends one byte at a time to serves the others, and him as well", async () => {
    await serves("a slow sender", async () => {
      const socket = await dial();
      const answered = new Promise((resolve) => socket.once("data", resolve));
      for (const byte of hello()) {
        socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await answered;
    });
  });

  it(`that ${idleMax} clients are connected to and say nothing serves the others`, async () => {
    await serves(`${idleMax} idle connections`, async () => {
      for (let at = 0; at < idleMax; at += 20)
        await Promise.all(Array.from({ length: 20 }, () => greet()));
      expect(open.filter((socket) => !socket.destroyed)).to.have.length(idleMax);
      await asks(asksMin);
    });
  });

  it("that a client never reads from while events flow serves the others, and drops him", async () => {
    await serves("a client that never reads", async () => {
      const deaf = await greet();
      deaf.pause();
      deaf.write(encodeFrame([0, 2, "events", { from_seq: 0 }]));
      // A listing of everything, over and over: far more than socket and supervisor hold for him.
      let sent = 0;
      const dropped = new Promise((resolve) => deaf.once("close", resolve));
      const isGone = () => deaf.destroyed || deaf.errored !== null;
      for (; !isGone() && sent < 200_000; sent += 100) {
        for (let at = 0; at < 100; at += 1)
          deaf.write(encodeFrame([0, 3 + sent + at, "config", {}]));
        await client.call("pause", { ids: [sleeperId] });
        await client.call("resume", { ids: [sleeperId] });
      }
      deaf.resume();
      await dropped;
      expect(sent).to.be.lessThan(200_000);
    });
  });

  /** Asks for the status over and over while `work` goes on, and afterwards until that says something. */
  async function serves(what: string, work: () => Promise<void>): Promise<void> {
    const pid = supervisorPid(supervised.repository);
    const before = rssMb(pid);
    await using neighbour = await connect({ repo: supervised.repository.dir, reconnect: false });
    let over = false;
    let rssMax = before;
    const times: number[] = [];
    const asking = (async () => {
      while (!over || times.length < asksMin) {
        times.push(await timed(neighbour));
        rssMax = Math.max(rssMax, rssMb(pid));
      }
    })();
    try {
      await work();
    } finally {
      over = true;
    }
    await asking;
    const p99 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Infinity;
    const growth = rssMax - before;
    console.log(
      `      ${what}: status p99 ${p99.toFixed(1)} ms of ${times.length}, RSS ${before.toFixed(0)} MB and at most ${growth.toFixed(0)} more`,
    );
    expect(supervisorPid(supervised.repository)).to.equal(pid);
    expect(p99, "ms that 99 of 100 answers took at most").to.be.lessThan(answerMsMax);
    expect(growth, "MB of memory").to.be.lessThan(rssGrowthMbMax);
  }

  async function asks(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) await timed(client);
  }

  async function dial(): Promise<Socket> {
    const socket = dialSocket(join(supervised.repository.dir, ".aibrain/orchd.sock"));
    open.push(socket.on("error", () => {}));
    await new Promise((resolve) => socket.once("connect", resolve));
    return socket;
  }

  /** A client that has been let in. */
  async function greet(): Promise<Socket> {
    const socket = await dial();
    socket.write(hello());
    await new Promise((resolve) => socket.once("data", resolve));
    return socket;
  }
});

function hello(): Buffer {
  const role = { role: "client", protocol: protocolVersion, version: "0.0.0" };
  return encodeFrame([0, 1, helloMethod, role]);
}

/** The supervisor closes it. */
async function ended(socket: Socket): Promise<void> {
  socket.resume();
  await until(() => socket.closed, { timeoutMs: 10_000, what: "the connection to be closed" });
}

async function timed(client: Client): Promise<number> {
  const begun = performance.now();
  await client.call("status", { finished_max: 0, open_max: 0 });
  return performance.now() - begun;
}

function rssMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1_024;
}
