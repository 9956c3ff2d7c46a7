import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../helpers/until.ts";
import { exitOf, shellTask } from "./fakeSupervisor.ts";
import type { FakeSupervisor } from "./fakeSupervisor.ts";
import { makeRoom } from "../../../worker/attempt/makeRoom.ts";
import { makeRig, savedOf, startedRig } from "./rig.ts";
import { makeWorkspaceRig } from "./workspaceRig.ts";

const mebibyte = 1024 ** 2;
/** More than any disk has. */
const beyondAllDisks = 2 ** 52;

function workspaceOf(rig: FakeSupervisor): string {
  return join(rig.settings.config.workspace.root ?? "", "worker-1/workspace");
}

/** The same worker is told other limits, as after a reload. */
async function reconnect(rig: FakeSupervisor, freeBytesMin: number): Promise<void> {
  const { settings } = rig;
  const limits = { ...settings.config.limits, min_free_disk_bytes: freeBytesMin };
  rig.settings = { ...settings, config: { ...settings.config, limits } };
  await rig.vanish();
  await rig.listen();
  await rig.hello(rig.hellos.length + 1);
}

describe("an attempt on a disk with too little space", () => {
  it("waits before it touches its workspace, says how much is missing, and ends when it is told to", async () => {
    await using rig = await startedRig({ limits: { min_free_disk_bytes: beyondAllDisks } });
    const task = shellTask("t1", "echo x > a.txt");
    rig.assign(task);
    const beat = await until(() => rig.heartbeats.find(({ last_line }) => last_line !== null));
    expect(beat.stage).to.equal("workspace");
    expect(beat.last_line).to.match(/^waits for space on the disk: \S+ \wiB free in \/.*4096 TiB/);
    expect(existsSync(workspaceOf(rig))).to.equal(false);
    rig.notify("worker.cancel", { task: "t1", attempt: 1, fence: 11, reason: "cancelled" });
    expect((await rig.reportOf(task)).outcome).to.deep.equal({ result: "ended", saved: null });
  });

  it("is not what a check is: landing goes on", async () => {
    await using rig = await startedRig({ limits: { min_free_disk_bytes: beyondAllDisks } });
    const candidate = await rig.person.git("rev-parse", "main");
    const gate = { kind: "gate", candidate, commands: [["true"]], timeout_ms: 9_000 } as const;
    const key = shellTask("t1", "").task;
    rig.assign({ ...gate, task: key, attempt: 1, fence: 11 } as never);
    expect((await rig.reportOf({ task: key, attempt: 1 })).outcome.result).to.equal("gate_green");
  });
});

describe("an idle workspace", () => {
  it("stays on whatever disk while a record says, in whatever words, that it is not saved", async () => {
    await using rig = await makeWorkspaceRig({ files: { "a.txt": "a\n" } });
    const limits = { min_free_disk_bytes: beyondAllDisks, workspace_size_bytes: beyondAllDisks };
    const { place } = rig;
    const desk = {
      worker: "worker-1",
      settings: { config: { limits } },
      place: () => Promise.resolve(place),
      log: () => {},
    } as never;
    await writeFile(place.held, "no JSON\n");
    await makeRoom(desk, null);
    expect(existsSync(place.workTree)).to.equal(true);
    await rm(place.held);
    await makeRoom(desk, null);
    expect(existsSync(place.workTree)).to.equal(false);
  });

  it("gives its space back when its disk has too little, and is made anew when there is enough", async () => {
    await using rig = await startedRig();
    const first = shellTask("t1", "echo x > a.txt; echo kept > installed");
    rig.assign(first);
    await rig.reportOf(first);
    expect(await readFile(join(workspaceOf(rig), "installed"), "utf8")).to.equal("kept\n");
    await reconnect(rig, beyondAllDisks);
    await until(() => !existsSync(workspaceOf(rig)));
    await reconnect(rig, 0);
    const second = shellTask("t2", "ls -A");
    rig.assign(second);
    expect((await rig.reportOf(second)).outcome.result).to.equal("done");
    expect(await rig.readAttempt(second, "stdout.log")).to.equal(".git\n.gitignore\na.txt\ndir\n");
  });
});

describe("an attempt whose workspace outgrows its limit", () => {
  it("is ended and fails by name, with its work saved and what git ignores gone", async function () {
    this.timeout(30_000);
    await using rig = await startedRig({
      limits: { workspace_size_bytes: 8 * mebibyte, grace_ms: 100 },
    });
    const task = shellTask("t1", "echo x > a.txt; head -c 12582912 /dev/zero > big.log; sleep 60");
    rig.assign(task);
    const report = await rig.reportOf(task);
    const { outcome } = report;
    if (outcome.result !== "failed" || outcome.failure.kind !== "workspace_size")
      throw new Error(JSON.stringify(outcome));
    expect(outcome.failure.limit_bytes).to.equal(8 * mebibyte);
    expect(outcome.failure.bytes).to.be.within(12 * mebibyte, 13 * mebibyte);
    expect(savedOf(report)?.touched).to.deep.equal(["a.txt"]);
    await until(() => !existsSync(workspaceOf(rig)), { what: "the workspace to go" });
    const next = shellTask("t2", "ls");
    rig.assign(next);
    expect((await rig.reportOf(next)).outcome.result).to.equal("done");
  });

  it("leaves nothing to the next one when its worker is killed before it is noticed", async () => {
    await using rig = await makeRig({ limits: { workspace_size_bytes: 8 * mebibyte } });
    const killed = rig.start();
    await rig.hello();
    const script = "echo x > a.txt; head -c 12582912 /dev/zero > big.log; echo ready; sleep 60";
    const task = shellTask("t1", script);
    rig.assign(task);
    await until(() => rig.heartbeats.some(({ last_line }) => last_line === "ready"));
    killed.kill("SIGKILL");
    await exitOf(killed);
    rig.start();
    const report = await rig.reportOf(task);
    expect(report.outcome.result).to.equal("lost");
    expect(savedOf(report)?.touched).to.deep.equal(["a.txt"]);
    await until(() => !existsSync(workspaceOf(rig)), { what: "the workspace to go" });
  });
});
