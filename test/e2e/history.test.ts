import { expect } from "chai";
import { makeSupervised } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { HistoryView, TraceView } from "../../ipc/historyViews.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { Supervised } from "../helpers/supervised.ts";

async function history(one: Supervised, ...args: string[]): Promise<HistoryView> {
  const { code, stdout, stderr } = await one.orchd("history", "--json", ...args);
  expect(code, stderr).to.equal(0);
  return JSON.parse(stdout) as HistoryView;
}

async function trace(one: Supervised, id: string): Promise<TraceView> {
  const { code, stdout, stderr } = await one.orchd("trace", id, "--json");
  expect(code, stderr).to.equal(0);
  return JSON.parse(stdout) as TraceView;
}

const namesOf = (events: TraceView["events"]) => events.map(({ name }) => name);

describe("history and trace of real tasks", function () {
  this.timeout(120_000);

  it("tell of finished tasks the same before and after a restart", async () => {
    await using one = await makeSupervised({
      files: { "a.txt": "a\n", "orchd.yaml": 'verify:\n  - ["true"]\n' },
    });
    const landed = await one.submit({
      id: "landed",
      title: "Change a",
      objective: "a better a",
      decision: "append",
      labels: ["x", "y"],
      claims: ["a.txt"],
      run: { shell: "echo more >> a.txt; echo said" },
    });
    await one.wait(landed);
    const client = await one.client();
    const followedAt = async () =>
      (await client.call("trace", { id: "landed" as TaskId })).followed_at;
    await until(async () => (await followedAt()) !== null, { what: "main to have followed" });
    const failed = await one.submit({
      id: "broken",
      labels: ["x"],
      retries: { max: 1, backoff: "1ms" },
      workspace: "none",
      run: { shell: "exit 3" },
    });
    await one.wait(failed);
    const [before, lifeBefore] = [await history(one), await trace(one, "landed")];
    expect(before.tasks.map(({ id, status, attempts }) => [id, status, attempts])).to.deep.equal([
      ["broken", "failed", 2],
      ["landed", "succeeded", 1],
    ]);
    expect(namesOf(lifeBefore.events)).to.deep.equal([
      "task:submitted",
      "task:started",
      "task:landing",
      "landing:started",
      "landing:candidate",
      "landing:gate_passed",
      "task:succeeded",
    ]);
    const [, started] = lifeBefore.events;
    expect(started).to.deep.include({ attempt: 1, fence: started?.seq, granted: ["a.txt"] });
    expect(lifeBefore.events.at(-1)?.released).to.deep.equal(["a.txt"]);
    expect(lifeBefore).to.deep.include({ objective: "a better a", decision: "append" });
    expect(lifeBefore.commit).to.equal(before.tasks[1]?.commit);

    expect((await one.orchd("restart")).code).to.equal(0);

    expect(await history(one)).to.deep.equal(before);
    const lifeAfter = await trace(one, "landed");
    expect(lifeAfter.events).to.deep.equal(lifeBefore.events);
    expect(lifeAfter.followed_at).to.equal(lifeBefore.followed_at);
    expect(
      (await trace(one, "broken")).events.filter(({ attempt }) => attempt === 2),
    ).to.have.length(2);
    expect((await one.orchd("show", "landed")).stdout).to.include(before.tasks[1]?.commit ?? "?");
    expect((await one.orchd("logs", "landed")).stdout).to.equal("said");
  });

  it("know every task exactly once when most have left the memory, before and after a restart", async () => {
    await using one = await makeSupervised();
    // Three events each: the snapshot at 5,000 lets go of all but 500, and knows most of those, too.
    const asked = Array.from({ length: 1_800 }, (_, index) => ({ id: `t${index}`, tools: [] }));
    for (let start = 0; start < asked.length; start += 1_000)
      await one.wait(await one.submit(...asked.slice(start, start + 1_000)));
    const { tasks } = await history(one, "--limit", "5000");
    expect(new Set(tasks.map(({ id }) => id)).size).to.equal(asked.length);
    expect(tasks).to.have.length(asked.length);
    expect(tasks.map(({ seq }) => seq)).to.deep.equal(
      tasks.map(({ seq }) => seq).toSorted((a, b) => b - a),
    );
    const client = await one.client();
    const inMemory = (await client.call("status", { open_max: 0, finished_max: 1_000 })).tasks;
    expect(
      inMemory.some(({ id }) => id === "t0"),
      "t0 is still in memory",
    ).to.equal(false);
    const life = await trace(one, "t0");
    expect(namesOf(life.events).at(-1)).to.equal("task:succeeded");

    await one.killSupervisor();
    await one.start();

    expect((await history(one, "--limit", "5000")).tasks).to.deep.equal(tasks);
    expect((await trace(one, "t0")).events).to.deep.equal(life.events);
    expect((await one.orchd("show", "t0")).code).to.equal(0);
  });
});

describe("history and trace of a few tasks", function () {
  this.timeout(120_000);
  let one: Supervised;
  before(async () => {
    one = await makeSupervised();
  });
  after(async () => await one[Symbol.asyncDispose]());

  it("find tasks by status, label and time, and go on page by page", async () => {
    const ids = ["one", "two", "three", "four"];
    for (const id of ids)
      await one.wait(
        await one.submit({
          id,
          labels: [id.length > 3 ? "long" : "short"],
          workspace: "none",
          run: id === "two" ? ["false"] : ["true"],
        }),
      );
    const listed = async (...args: string[]) =>
      (await history(one, ...args)).tasks.map(({ id }) => id);
    expect(await listed()).to.deep.equal(["four", "three", "two", "one"]);
    expect(await listed("--status", "failed")).to.deep.equal(["two"]);
    expect(await listed("--label", "short", "--status", "succeeded")).to.deep.equal(["one"]);
    expect(await listed("--since", "1h", "--limit", "1")).to.deep.equal(["four"]);
    expect(await listed("--until", "1h")).to.deep.equal([]);
    const page = await history(one, "--limit", "3");
    expect(await listed("--before", String(page.next))).to.deep.equal(["one"]);
    expect((await history(one, "--limit", "4")).next).to.equal(null);
  });

  it("do not list a task that was retried, and trace its first life with its second", async () => {
    const [id = ""] = await one.submit({ id: "again", workspace: "none", run: ["false"] });
    await one.wait([id as never]);
    await one.orchd("pause");
    await one.orchd("retry", id);
    expect((await history(one)).tasks.map((task) => task.id)).to.not.include(id);
    await one.orchd("resume");
    await one.wait([id as never]);
    const { events } = await trace(one, id);
    expect(namesOf(events)).to.deep.equal([
      "task:submitted",
      "task:started",
      "task:failed",
      "task:retried",
      "task:started",
      "task:failed",
    ]);
    expect(events.map(({ attempt }) => attempt)).to.deep.equal([null, 1, 1, 1, 2, 2]);
  });

  it("say that there is no such task", async () => {
    expect((await one.orchd("trace", "nobody")).code).to.equal(4);
  });
});
