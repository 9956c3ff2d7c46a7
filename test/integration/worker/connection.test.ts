import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { failure } from "../../../ipc/errors.ts";
import type { Assignment } from "../../../ipc/workerMessages.ts";
import { findMarked } from "../../../system/processTree.ts";
import { repositoryId } from "../../../worker/workspace/place.ts";
import { until } from "../../helpers/until.ts";
import { exitOf, keyOf, shellTask } from "./fakeSupervisor.ts";
import type { FakeSupervisor } from "./fakeSupervisor.ts";
import { makeRig, savedOf, startedRig } from "./rig.ts";

const untilGo = "echo ready; while [ ! -e go.log ]; do sleep 0.1; done; echo x > a.txt";

/** Starts a task that waits for `go`, and resolves when its program runs. */
async function assignAndAwait(rig: FakeSupervisor, task: Assignment): Promise<void> {
  rig.assign(task);
  await until(() => rig.heartbeats.some(({ last_line }) => last_line === "ready"), {
    timeoutMs: 9_000,
  });
}

async function go(rig: FakeSupervisor): Promise<void> {
  await writeFile(join(workspaceOf(rig), "go.log"), "");
}

function workspaceOf(rig: FakeSupervisor): string {
  return join(rig.settings.config.workspace.root ?? "", "worker-1/workspace");
}

describe("a worker and its supervisor", () => {
  it("says hello with its token, holding nothing, within the time and memory it may take", async () => {
    await using rig = await makeRig();
    const started = performance.now();
    const worker = rig.start();
    const hello = await rig.hello();
    const elapsedMs = performance.now() - started;
    expect(hello).to.deep.include({ role: "worker", worker: "worker-1", token: "a token" });
    expect(hello).to.deep.include({ pid: worker.pid, holding: [] });
    const status = await readFile(`/proc/${worker.pid}/status`, "utf8");
    const rssMb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
    // Generous: other tests share the machine. `npm run bench -- startup` measures it alone.
    expect(elapsedMs).to.be.below(2_000);
    expect(rssMb).to.be.below(90);
  });

  it("waits for a supervisor that is not there yet", async () => {
    await using rig = await makeRig();
    await rig.vanish();
    rig.start();
    await until(async () => (await readFile(rig.log, "utf8")).includes("no supervisor answers"));
    await rig.listen();
    await rig.hello();
  });

  it("keeps its attempt when the supervisor dies, and tells the next one what it holds", async () => {
    await using rig = await startedRig();
    const task = shellTask("t1", untilGo);
    await assignAndAwait(rig, task);
    await rig.vanish();
    await rig.listen();
    expect((await rig.hello(2)).holding).to.deep.equal([keyOf(task)]);
    expect(rig.heartbeats.at(-1)).to.deep.include({ attempt: keyOf(task), stage: "running" });
    rig.assign(task);
    await go(rig);
    expect(savedOf(await rig.reportOf(task))?.touched).to.deep.equal(["a.txt"]);
    expect(await rig.readAttempt(task, "stdout.log")).to.equal("ready\n");
  });

  it("tells an outcome from the time without a supervisor, again and again until it is acknowledged", async () => {
    await using rig = await startedRig();
    rig.acknowledges = false;
    const task = shellTask("t1", untilGo);
    await assignAndAwait(rig, task);
    await rig.vanish();
    await go(rig);
    await until(() => existsSync(rig.attemptFile(task, "outcome.json")));
    expect(rig.reports).to.deep.equal([]);
    await rig.listen();
    const first = await rig.reportOf(task);
    expect((await rig.hello(2)).holding).to.deep.equal([keyOf(task)]);
    await rig.vanish();
    rig.acknowledges = true;
    await rig.listen();
    await until(() => rig.reports.length === 2);
    expect(rig.reports[1]).to.deep.equal(first);
    await until(() => rig.hasAcknowledged(task));
    await rig.vanish();
    await rig.listen();
    expect((await rig.hello(4)).holding).to.deep.equal([]);
  });

  it("ends its attempt, saves and exits when no supervisor comes back", async () => {
    await using rig = await makeRig({ limits: { adoption_grace_ms: 300 } });
    const worker = rig.start();
    await rig.hello();
    const task = shellTask("t1", "echo x > a.txt; echo ready; sleep 60");
    await assignAndAwait(rig, task);
    await rig.vanish();
    expect(await exitOf(worker)).to.equal(0);
    const report: unknown = JSON.parse(await rig.readAttempt(task, "outcome.json"));
    expect(report).to.have.nested.property("outcome.result", "ended");
    expect(await rig.person.git("cat-file", "-p", "refs/orchd/attempts/t1/1:a.txt")).to.equal("x");
    await rig.listen();
    rig.start();
    expect((await rig.hello(2)).holding).to.deep.equal([keyOf(task)]);
    expect(await rig.reportOf(task)).to.deep.equal(report);
  });

  it("ends, saves and exits when its hello is refused", async () => {
    await using rig = await makeRig();
    const worker = rig.start();
    await rig.hello();
    const task = shellTask("t1", "echo x > a.txt; echo ready; sleep 60");
    await assignAndAwait(rig, task);
    await rig.vanish();
    rig.refusal = failure("refused", "You are not mine.");
    await rig.listen();
    expect(await exitOf(worker)).to.equal(0);
    expect(await rig.person.git("cat-file", "-p", "refs/orchd/attempts/t1/1:a.txt")).to.equal("x");
  });

  for (const [how, stop] of [
    ["SIGTERM", (_rig: FakeSupervisor, pid: number) => void process.kill(pid, "SIGTERM")],
    ["worker.stop", (rig: FakeSupervisor) => rig.notify("worker.stop", {})],
  ] as const) {
    it(`ends what runs, saves, reports and exits at ${how}`, async () => {
      await using rig = await makeRig();
      const worker = rig.start();
      await rig.hello();
      const [task, next] = [
        shellTask("t1", "echo x > a.txt; echo ready; sleep 60"),
        shellTask("t2", "true"),
      ];
      await assignAndAwait(rig, task);
      rig.assign(next);
      stop(rig, worker.pid ?? 0);
      expect(await exitOf(worker)).to.equal(0);
      expect((await rig.reportOf(task)).outcome.result).to.equal("ended");
      expect(savedOf(await rig.reportOf(task))?.touched).to.deep.equal(["a.txt"]);
      expect((await rig.reportOf(next)).outcome).to.deep.equal({ result: "ended", saved: null });
      expect(await readFile(rig.log, "utf8")).to.contain('"event":"ended"');
    });
  }

  it("does not start beside a living process of the same worker", async () => {
    await using rig = await startedRig();
    await until(() => existsSync(join(rig.stateFolder, "worker.json")));
    expect(await exitOf(rig.start())).to.equal(5);
    expect(rig.hellos).to.have.length(1);
  });
});

describe("a fresh worker after a kill", () => {
  it("ends what is left, saves the work before anything is reset, and reports the attempt lost", async () => {
    await using rig = await makeRig();
    const worker = rig.start();
    await rig.hello();
    const script =
      "echo x > a.txt; git commit -qam mine; echo y > new.txt; setsid sleep 60 & echo ready; sleep 60";
    const task = shellTask("t1", script);
    await assignAndAwait(rig, task);
    worker.kill("SIGKILL");
    await exitOf(worker);
    const next = shellTask("t2", "cat a.txt; ls");
    rig.start();
    expect((await rig.hello(2)).holding).to.deep.equal([keyOf(task)]);
    rig.assign(next);
    const lost = await rig.reportOf(task);
    expect(lost.outcome.result).to.equal("lost");
    expect(lost.fence).to.equal(task.fence);
    expect(savedOf(lost)).to.deep.include({ touched: ["a.txt", "new.txt"], descends: true });
    expect(findMarked(`t1.1@${await repositoryId(rig.settings.git_dir)}`)).to.deep.equal([]);
    await rig.reportOf(next);
    expect(rig.reports.map(({ task: id }) => id)).to.deep.equal(["t1", "t2"]);
    expect(await rig.readAttempt(next, "stdout.log")).to.equal("a\na.txt\ndir\n");
  });

  it("saves the work even if .aibrain was deleted as well", async () => {
    await using rig = await makeRig();
    const worker = rig.start();
    await rig.hello();
    const task = shellTask("t1", "echo x > a.txt; echo ready; sleep 60");
    await assignAndAwait(rig, task);
    worker.kill("SIGKILL");
    await exitOf(worker);
    await rm(join(rig.person.dir, ".aibrain"), { recursive: true });
    rig.start();
    expect((await rig.hello(2)).holding).to.deep.equal([]);
    const lost = await rig.reportOf(task);
    expect(lost.fence).to.equal(task.fence);
    expect(savedOf(lost)?.touched).to.deep.equal(["a.txt"]);
  });

  it("reports an attempt lost that had not started its program yet", async () => {
    await using rig = await makeRig({ workspace: { setup: [["sleep", "60"]] } });
    const worker = rig.start();
    await rig.hello();
    const task = shellTask("t1", "true");
    rig.assign(task);
    await rig.stage("setup");
    worker.kill("SIGKILL");
    await exitOf(worker);
    rig.start();
    expect((await rig.reportOf(task)).outcome).to.deep.equal({ result: "lost", saved: null });
  });

  it("puts work aside that cannot be saved rather than resetting it", async () => {
    await using rig = await makeRig();
    const worker = rig.start();
    await rig.hello();
    const task = shellTask("t1", "echo x > a.txt; echo ready; sleep 60");
    await assignAndAwait(rig, task);
    worker.kill("SIGKILL");
    await exitOf(worker);
    // A folder in the place of the ref makes git refuse to write it.
    const ref = join(rig.settings.git_dir, "refs/orchd/attempts/t1/1/in-the-way");
    await rig.person.git("update-ref", "refs/orchd/attempts/t1/1/in-the-way", "HEAD");
    expect(existsSync(ref)).to.equal(true);
    rig.start();
    expect((await rig.reportOf(task)).outcome).to.deep.equal({ result: "lost", saved: null });
    const next = shellTask("t2", "cat a.txt");
    rig.assign(next);
    await rig.reportOf(next);
    expect(await rig.readAttempt(next, "stdout.log")).to.equal("a\n");
    const aside = join(workspaceOf(rig), "../set-aside/t1.1.workspace/a.txt");
    expect(await readFile(aside, "utf8")).to.equal("x\n");
  });
});
