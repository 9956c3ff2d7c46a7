import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { agent } from "../helpers/agent.ts";
import { landedCommits, makeSupervised, supervisorPid } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { TaskId } from "../../ipc/ids.ts";

describe("agents and the life of the supervisor", () => {
  for (const [name, interrupt] of [
    ["orchd restart", (s: Supervised) => s.orchd("restart")],
    [
      "kill -9 and a new start",
      async (s: Supervised) => {
        await s.killSupervisor();
        return await s.orchd("start");
      },
    ],
  ] as const)
    it(`run on through ${name}: started once, landed once`, async function () {
      this.timeout(60_000);
      await using supervised = await makeSupervised({ config: { max_parallel: 2 } });
      const agents = ["first", "second"].map((id) => agent(supervised, id));
      const ids = await supervised.submit(...agents.map(({ task }) => task));
      await until(() => agents.every(({ starts }) => starts() === 1), { timeoutMs: 20_000 });
      const before = supervisorPid(supervised.repository);
      const again = await interrupt(supervised);
      expect(again.code, again.stderr).to.equal(0);
      expect(supervisorPid(supervised.repository)).to.not.equal(before);
      for (const { letGo } of agents) letGo();
      const ends = await supervised.wait(ids);
      expect(ends.map(({ status, attempts }) => `${status} ${attempts}`)).to.deep.equal([
        "succeeded 1",
        "succeeded 1",
      ]);
      expect(agents.map(({ starts }) => starts())).to.deep.equal([1, 1]);
      const landed = await landedCommits(supervised.repository);
      for (const id of ids) expect(landed.get(id)).to.have.length(1);
    });

  it("are ended by stop, saved, and run again after the next start", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 1, limits: { grace: "300ms" } },
    });
    const one = agent(supervised, "interrupted");
    const [id] = (await supervised.submit(one.task)) as [TaskId];
    await until(() => one.starts() === 1, { timeoutMs: 20_000 });
    expect((await supervised.orchd("stop")).code).to.equal(0);
    one.letGo();
    expect((await supervised.orchd("start")).code).to.equal(0);
    const [end] = await supervised.wait([id]);
    expect(end?.status).to.equal("succeeded");
    expect(one.starts()).to.equal(2);
  });

  it("are ended with everything they started when their task is cancelled", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 1, limits: { grace: "1s" } },
    });
    const pids = join(supervised.repository.dir, "..", "pids");
    const detached = `setsid sh -c 'trap "" TERM; echo $$ >> ${pids}; while :; do sleep 0.1; done' &`;
    const [id] = (await supervised.submit({
      id: "tree",
      run: { shell: `${detached} ${detached} echo work > tree.txt; sleep 600` },
      claims: [],
    })) as [TaskId];
    const started = await until(
      () => {
        const found = existsSync(pids) ? readFileSync(pids, "utf8").trim().split("\n") : [];
        return found.length === 2 ? found.map(Number) : null;
      },
      { timeoutMs: 20_000 },
    );
    await supervised.orchd("cancel", id);
    const [end] = await supervised.wait([id]);
    expect(end?.status).to.equal("cancelled");
    for (const pid of started) expect(existsSync(`/proc/${pid}`), `process ${pid}`).to.equal(false);
    const { attempt_list } = await (await supervised.client()).call("show", { id });
    const saved = attempt_list[0]?.saved_commit;
    expect(saved, "its work is saved").to.be.a("string");
    expect(await supervised.repository.git("show", `${saved}:tree.txt`)).to.equal("work");
  });

  it("time out, fail, and leave their output and what they did behind", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 1, limits: { grace: "200ms" } },
    });
    const [id] = (await supervised.submit({
      id: "slow",
      run: { shell: "echo before; echo half > half.txt; sleep 600" },
      timeout: "1s",
    })) as [TaskId];
    const [end] = await supervised.wait([id]);
    expect(end?.reason).to.deep.equal({
      kind: "attempt",
      failure: { kind: "timeout", timeout_ms: 1000 },
    });
    expect((await supervised.orchd("logs", id)).stdout).to.equal("before");
    expect(await supervised.repository.git("show", "refs/orchd/attempts/slow/1:half.txt")).to.equal(
      "half",
    );
  });
});
