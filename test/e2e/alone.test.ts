import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { agent } from "../helpers/agent.ts";
import { isGone, pidsIn } from "../helpers/processes.ts";
import { landedCommits, makeSupervised, supervisorPid } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { TaskId } from "../../ipc/ids.ts";

async function workerPid(supervised: Supervised): Promise<number> {
  const { workers } = await (await supervised.client()).call("workers", {});
  return workers.find(({ worker }) => worker === "worker-1")?.pid ?? 0;
}

describe("a worker without a supervisor", () => {
  it("ends its agent after adoption_grace, saves the work and exits; the next start finds it", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 1, limits: { adoption_grace: "1s", grace: "300ms" } },
    });
    const { repository } = supervised;
    const pids = join(repository.dir, "..", "pids");
    const one = agent(supervised, "alone", `echo $$ >> '${pids}'; echo half > half.txt`);
    const [id] = (await supervised.submit(one.task)) as [TaskId];
    await until(() => pidsIn(pids).length === 1, { timeoutMs: 20_000 });
    const worker = await workerPid(supervised);
    await supervised.killSupervisor();
    expect(isGone(worker), "not at once").to.equal(false);
    await until(() => isGone(worker), { timeoutMs: 20_000, what: "the worker to end" });
    expect(isGone(pidsIn(pids)[0] ?? 0), "its agent").to.equal(true);
    const ref = `refs/orchd/attempts/${id}/1`;
    expect(await repository.git("show", `${ref}:half.txt`)).to.equal("half");
    one.letGo();
    await supervised.start();
    const [end] = await supervised.wait([id]);
    expect(`${end?.status} ${end?.attempts}`).to.equal("succeeded 2");
    const { attempt_list } = await (await supervised.client()).call("show", { id });
    expect(attempt_list[0]).to.include({ result: "ended", saved_ref: ref });
    expect((await landedCommits(repository)).get(id)).to.have.length(1);
  });
});

describe("an outcome that was stored while nobody supervised", () => {
  it("counts after the worker was killed as well: started once, landed once", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({ config: { max_parallel: 1 } });
    const { repository } = supervised;
    const one = agent(supervised, "stored");
    const [id] = (await supervised.submit(one.task)) as [TaskId];
    await until(() => one.starts() === 1, { timeoutMs: 20_000 });
    const worker = await workerPid(supervised);
    await supervised.killSupervisor();
    one.letGo();
    const outcome = join(repository.dir, `.aibrain/worker-1/attempts/${id}.1/outcome.json`);
    await until(() => existsSync(outcome), { timeoutMs: 20_000, what: "the outcome" });
    process.kill(worker, "SIGKILL");
    await until(() => isGone(worker));
    await supervised.start();
    const [end] = await supervised.wait([id]);
    expect(`${end?.status} ${end?.attempts}`).to.equal("succeeded 1");
    expect(one.starts()).to.equal(1);
    expect((await landedCommits(repository)).get(id)).to.have.length(1);
  });
});

describe("supervisor and worker killed together", () => {
  it("leave an agent's detached process behind, which the next start ends, and saves its work", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 1, limits: { grace: "300ms" } },
    });
    const { repository } = supervised;
    const pids = join(repository.dir, "..", "pids");
    // Two forks and a session of its own: neither the worker's death nor its session reaches it.
    const stubborn = `(setsid sh -c 'trap "" TERM HUP; echo $$ >> ${pids}; echo half > half.txt; while :; do sleep 0.05; done' & )`;
    const one = agent(supervised, "swept", `[ -e '${pids}' ] || ${stubborn}`);
    const [id] = (await supervised.submit(one.task)) as [TaskId];
    await until(() => pidsIn(pids).length === 1, { timeoutMs: 20_000 });
    const [orphan] = pidsIn(pids) as [number];
    const worker = await workerPid(supervised);
    process.kill(supervisorPid(repository), "SIGKILL");
    process.kill(worker, "SIGKILL");
    await until(() => isGone(worker) && isGone(supervisorPid(repository)));
    expect(isGone(orphan), "it outlives both").to.equal(false);
    one.letGo();
    await supervised.start();
    await until(() => isGone(orphan), { timeoutMs: 20_000, what: "the sweep" });
    const [end] = await supervised.wait([id]);
    expect(`${end?.status} ${end?.attempts}`).to.equal("succeeded 2");
    const { attempt_list } = await (await supervised.client()).call("show", { id });
    expect(attempt_list.map(({ result }) => result)).to.deep.equal(["lost", "done"]);
    const saved = attempt_list[0]?.saved_commit ?? "";
    expect(await repository.git("show", `${saved}:half.txt`)).to.equal("half");
  });
});

describe("the lock of the supervisor", () => {
  it("removed under it ends the supervisor, and the next has a higher epoch and the agent", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({ config: { max_parallel: 1 } });
    const { repository, orchd } = supervised;
    const one = agent(supervised, "kept");
    const [id] = (await supervised.submit(one.task)) as [TaskId];
    await until(() => one.starts() === 1, { timeoutMs: 20_000 });
    const before = supervisorPid(repository);
    const { epoch } = (await supervised.client()).supervisor;
    rmSync(join(repository.dir, ".git/orchd/supervisor.db"));
    await until(() => isGone(before), { timeoutMs: 20_000, what: "the supervisor to end" });
    expect(existsSync(join(repository.dir, ".git/orchd/supervisor.json"))).to.equal(false);
    const started = await orchd("start");
    expect(started.code, started.stderr).to.equal(0);
    expect(started.stdout).to.include(`epoch ${epoch + 1})`);
    one.letGo();
    expect((await supervised.wait([id]))[0]?.status).to.equal("succeeded");
    expect(one.starts()).to.equal(1);
  });

  it("lost while nobody runs gives no epoch a second time", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised();
    const { repository, orchd } = supervised;
    expect((await orchd("restart")).stdout).to.include("epoch 2)");
    expect((await orchd("stop")).code).to.equal(0);
    const state = join(repository.dir, ".git/orchd");
    for (const name of readdirSync(state))
      if (name.startsWith("supervisor.")) rmSync(join(state, name));
    const started = await orchd("start");
    expect(started.stdout, started.stderr).to.include("epoch 3)");
  });
});

describe("orchd stop --drain", () => {
  it("says that landing is held and ends, and what waits is still there after the next start", async function () {
    this.timeout(60_000);
    await using supervised = await makeSupervised({
      config: { max_parallel: 1, verify: [["sh", "-c", "test -e green.txt"]] },
    });
    const { orchd } = supervised;
    const one = agent(supervised, "waits");
    const [id] = (await supervised.submit(one.task)) as [TaskId];
    await until(() => one.starts() === 1, { timeoutMs: 20_000 });
    const draining = orchd("stop", "--drain");
    const client = await supervised.client();
    await until(
      async () =>
        (await client.call("status", { finished_max: 0, open_max: 0 })).daemon.state === "draining",
    );
    one.letGo();
    const drained = await draining;
    expect(drained.code, drained.stderr).to.equal(0);
    expect(drained.stderr).to.include("Landing is held");
    expect(drained.stdout).to.include("what waits for it goes on after the next start");
    await supervised.start();
    const { status } = (await (await supervised.client()).call("show", { id })) as {
      status: string;
    };
    expect(status).to.equal("landing");
    expect(one.starts()).to.equal(1);
    const again = await orchd("stop", "--drain");
    expect(again.code, again.stderr).to.equal(0);
  });
});
