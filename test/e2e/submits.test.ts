import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { once } from "node:events";
import { expect } from "chai";
import { connect } from "../../ipc/client.ts";
import { FailureError } from "../../ipc/errors.ts";
import { makeSupervised } from "../helpers/supervised.ts";
import { mintRequestId, mintTaskId } from "../../ipc/ids.ts";
import { parseTaskFile } from "../../ipc/taskFile.ts";
import { readSupervisorRecord } from "../../ipc/locate.ts";
import type { Socket } from "node:net";
import type { Supervised } from "../helpers/supervised.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { TaskSpec } from "../../ipc/taskSpec.ts";

const clients = 20;
const submitsEach = 10;

describe("submits", function () {
  this.timeout(60_000);
  let supervised: Supervised;

  before(async () => {
    supervised = await makeSupervised({ config: { max_parallel: 2 } });
  });

  after(async () => {
    await supervised[Symbol.asyncDispose]();
  });

  it("make 200 distinct tasks from 20 clients whose connections are cut before the answer", async () => {
    await using proxy = await makeCuttingProxy(supervised);
    const ids = await Promise.all(
      Array.from({ length: clients }, () => submitThrough(proxy.socketPath)),
    );
    const all = ids.flat();
    expect(new Set(all).size).to.equal(clients * submitsEach);
    expect(proxy.cuts(), "connections cut").to.be.at.least(clients);
    const ends = await supervised.wait(all);
    expect(ends.every(({ status, attempts }) => status === "succeeded" && attempts === 1)).to.equal(
      true,
    );
    const client = await supervised.client();
    const { counts } = await client.call("status", { finished_max: 0, open_max: 0 });
    expect(counts.succeeded).to.equal(clients * submitsEach);
  });

  it("of one id twice make one task with the same spec, and are refused with another", async () => {
    const client = await supervised.client();
    const submit = (tasks: readonly TaskSpec[]) =>
      client.call("submit", { request: mintRequestId(), tasks });
    const id = "twice" as TaskId;
    const first = await submit([instant(id, "the same")]);
    const again = await submit([instant(id, "the same")]);
    expect(first).to.deep.equal({ ids: [id], existing: [] });
    expect(again).to.deep.equal({ ids: [id], existing: [id] });
    const refused = await submit([instant(id, "another")]).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(FailureError);
    expect((refused as FailureError).failure.code).to.equal("id_taken");
    await supervised.wait([id]);
  });
});

async function submitThrough(socket: string): Promise<TaskId[]> {
  await using client = await connect({ socket, reconnect: { timeoutMs: 30_000 } });
  const ids: TaskId[] = [];
  for (let at = 0; at < submitsEach; at += 1) {
    const request = mintRequestId();
    const result = await client.call("submit", { request, tasks: [instant(mintTaskId(), "cut")] });
    ids.push(...result.ids);
  }
  return ids;
}

function instant(id: TaskId, title: string): TaskSpec {
  const text = JSON.stringify({ id, title, tools: [] });
  const parsed = parseTaskFile(text, { name: "task.json", format: "json", mint: mintTaskId });
  const [spec] = parsed.ok ? parsed.value.specs : [];
  if (spec === undefined) throw new Error(JSON.stringify(parsed));
  return spec;
}

/**
 * Passes bytes on to the supervisor and, every third time it has something to say back after the
 * handshake, cuts the connection instead: the request was executed and the client never hears.
 */
async function makeCuttingProxy(supervised: Supervised) {
  const record = readSupervisorRecord(join(supervised.repository.dir, ".git/orchd"));
  const target = record?.socket ?? "";
  const socketPath = join(supervised.repository.dir, "proxy.sock");
  const open = new Set<Socket>();
  let answers = 0;
  let cuts = 0;
  const server = createServer((near) => {
    const far = createConnection(target);
    let said = 0;
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk) => {
      said += 1;
      answers += said > 1 ? 1 : 0;
      if (said > 1 && answers % 3 === 0) {
        cuts += 1;
        near.destroy();
      } else near.write(chunk);
    });
  });
  server.listen(socketPath);
  await once(server, "listening");
  return {
    socketPath,
    cuts: () => cuts,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
