import { expect } from "chai";
import { agent } from "../helpers/agent.ts";
import { FailureError } from "../../ipc/errors.ts";
import { isGone } from "../helpers/processes.ts";
import { lockCommand } from "../helpers/lockCommand.ts";
import { makeSupervised, supervisorPid } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "it did not fail",
    (error: unknown) => (error instanceof FailureError ? error.failure.code : String(error)),
  );
}

describe("a program with the client", function () {
  this.timeout(60_000);

  it("learns what keeps a new task from starting", async () => {
    await using supervised = await makeSupervised({ config: { max_parallel: 1 } });
    const client = await supervised.client();
    await until(async () => (await client.slots()).open, { what: "a worker" });
    expect(await client.slots()).to.deep.equal({
      total: 1,
      busy: 0,
      free: 1,
      open: true,
      closed_because: [],
      paused_labels: [],
    });
    await client.call("pause", { ids: [], label: "slow" });
    await client.call("pause", { ids: [] });
    const paused = await client.slots();
    expect(paused).to.deep.include({ open: false, closed_because: [{ because: "paused" }] });
    expect(paused.paused_labels).to.deep.equal(["slow"]);
    await client.call("resume", { ids: [] });
    const one = agent(supervised, "busy");
    const { ids } = await client.submit(one.task);
    await until(() => one.starts() === 1);
    const busy = await client.slots();
    expect(busy).to.deep.include({ busy: 1, free: 0, closed_because: [{ because: "busy" }] });
    const pid = supervisorPid(supervised.repository);
    await client.call("stop", { mode: "drain" });
    const draining = await client.slots();
    expect(draining.closed_because).to.deep.equal([{ because: "draining" }, { because: "busy" }]);
    one.letGo();
    expect((await client.wait(ids)).tasks.map(({ status }) => status)).to.deep.equal(["succeeded"]);
    await until(() => isGone(pid), { what: "the end of the drain" });
  });

  it("learns who is in the way of claims: tasks, locks and who waits for them", async () => {
    await using supervised = await makeSupervised({
      config: { max_parallel: 2, resources: { gpu: 1 } },
    });
    const client = await supervised.client();
    const one = agent(supervised, "busy");
    const claims = { writes: ["src/**"], resources: { gpu: 1 } };
    const { ids } = await client.submit({ tasks: [{ ...one.task, claims }] });
    await until(() => one.starts() === 1);
    await client.submit({ id: "later", run: ["true"], claims: ["src/a.ts"] });
    const held = lockCommand(supervised, ["docs/"], "sleep 600");
    await held.command();
    const found = await client.check({ writes: ["src/*.ts"], reads: ["docs/x.md"] });
    expect(found.free).to.equal(false);
    expect(found.more).to.equal(false);
    const [task, lock, waiter] = found.conflicts;
    expect(task).to.deep.equal({
      holder: "busy",
      kind: "task",
      standing: "holds",
      on: { kind: "claims", claim: "src/*.ts", their_claim: "src/**", example: "src/x.ts" },
    });
    expect(lock).to.deep.include({ kind: "lock", standing: "holds" });
    expect(lock?.holder).to.match(/^lock:/);
    expect(waiter).to.deep.include({ holder: "later", standing: "waits" });
    const gpu = await client.check({ resources: { gpu: 1 } });
    expect(gpu.conflicts.map(({ on }) => on)).to.deep.equal([
      { kind: "resource", resource: "gpu", capacity: 1 },
    ]);
    expect(await client.check({ writes: ["test/"] })).to.deep.equal({
      free: true,
      conflicts: [],
      more: false,
    });
    expect(await codeOf(client.check({ resources: { gpu: 2 } }))).to.equal("refused");
    expect(await codeOf(client.check({ writes: ["../x"] }))).to.equal("invalid_request");
    one.letGo();
    await client.wait([...ids, "later"]);
    process.kill(held.pid, "SIGTERM");
    await held.end;
  });

  it("waits for as long as it wants to", async () => {
    await using supervised = await makeSupervised();
    const client = await supervised.client();
    const one = agent(supervised, "busy");
    const { ids } = await client.submit(one.task);
    expect(await codeOf(client.wait(ids, { timeoutMs: 50 }))).to.equal("limit");
    expect(await codeOf(client.wait(["nobody"]))).to.equal("not_found");
    expect(await codeOf(client.wait(["No Id"]))).to.equal("not_found");
    expect(await codeOf(client.submit({ run: [] }))).to.equal("invalid_task");
    one.letGo();
    const { tasks } = await client.wait(ids, { timeoutMs: 30_000 });
    expect(tasks[0]).to.include({ id: "busy", status: "succeeded" });
  });
});
