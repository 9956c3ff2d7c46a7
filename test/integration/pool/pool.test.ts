import { spawn } from "node:child_process";
import { expect } from "chai";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectPeers } from "../rpc/rig.ts";
import { gateWorker, Pool } from "../../../daemon/pool/pool.ts";
import { readRecord, recordPath, writeRecord } from "../../../daemon/pool/record.ts";
import { attemptLogName } from "../../../system/attemptLines.ts";
import { onFailpoint } from "../../../system/failpoint.ts";
import { identityOf, ownIdentity } from "../../../system/processIdentity.ts";
import { AttemptLog } from "../../../worker/attempt/attemptLog.ts";
import type { Peer } from "../../../ipc/peer.ts";
import { until } from "../../helpers/until.ts";
import type { Assignment, WorkerHello, WorkerSettings } from "../../../ipc/workerMessages.ts";
import type { TaskId } from "../../../ipc/ids.ts";

describe("the pool", () => {
  it("starts one process for a worker that is asked for twice at once", async () => {
    await using rig = await makeRig();
    await Promise.all([rig.pool.ensure(gateWorker), rig.pool.ensure(gateWorker)]);
    await until(async () => (await rig.started()).length > 0, { what: "the worker" });
    await rig.pool.stop(1_000);
    expect(await rig.started()).to.have.length(1);
  });

  it("leaves no process behind when it is stopped while one is being started", async () => {
    await using rig = await makeRig();
    const ensured = rig.pool.ensure(gateWorker);
    await rig.pool.stop(1_000);
    await ensured;
    expect((await rig.started()).filter(isRunning)).to.deep.equal([]);
    await rig.pool.ensure(gateWorker);
    expect(rig.pool.slot(gateWorker)?.pid ?? null).to.equal(null);
  });

  it("leaves a worker that is not connected the whole time that a stop gives it", async function () {
    this.timeout(30_000);
    await using rig = await makeRig({ endsAfterMs: 5_500 });
    await rig.pool.ensure(gateWorker);
    const [pid] = await until(async () => {
      const started = await rig.started();
      return started.length > 0 && started;
    });
    await rig.pool.stop(20_000);
    expect(await rig.started(), "its pid, and again at its end").to.deep.equal([pid, pid]);
  });

  it("starts no process before it is told to", async () => {
    await using rig = await makeRig({ launched: false });
    await rig.pool.ensure(gateWorker);
    expect(rig.pool.slot(gateWorker)).to.include({ state: "empty", pid: null });
    rig.pool.launch();
    await until(async () => (await rig.started()).length > 0, { what: "the worker" });
    rig.pool.launch();
    await rig.pool.stop(1_000);
    expect(await rig.started()).to.have.length(1);
  });

  it("tells a worker that dials before its record was read to come again, and takes it then", async () => {
    await using rig = await makeRig({ launched: false });
    const left = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    const identity = identityOf(left.pid ?? 0);
    if (identity === undefined) throw new Error("it did not start");
    await writeRecord(rig.stateDir, { worker: gateWorker, token: "known", epoch: 1, identity });
    expect(answerTo(rig.pool, "known")).to.equal("busy");
    const opening = rig.pool.ensure(gateWorker);
    expect(answerTo(rig.pool, "known"), "while its place is being opened").to.equal("busy");
    await opening;
    expect(answerTo(rig.pool, "known")).to.equal("admitted");
    expect(answerTo(rig.pool, "another"), "with another token").to.equal("refused");
    left.kill("SIGKILL");
  });

  it("refuses a worker for which there is no place once all places are known", async () => {
    await using rig = await makeRig();
    expect(answerTo(rig.pool, "known")).to.equal("refused");
  });

  it("ends a worker that it cannot write down, instead of starting its twin beside it", async () => {
    await using rig = await makeRig();
    // A file where the folder of the records should be.
    await writeFile(join(recordPath(rig.stateDir, gateWorker), ".."), "");
    await rig.pool.ensure(gateWorker);
    await until(async () => rig.problems.length > 1, { what: "two tries" });
    const running = (await rig.started()).filter(isRunning);
    expect(running.length, "at the same time").to.be.at.most(1);
  });

  it("takes no worker before it is written down, for the next supervisor would not know what it was given", async () => {
    await using rig = await makeRig();
    const { promise: written, resolve: write } = Promise.withResolvers<void>();
    using _slow = onFailpoint((point) => (point === "pool.record:before" ? written : undefined));
    await rig.pool.ensure(gateWorker);
    const [pid] = await until(async () => {
      const pids = await rig.started();
      return pids.length > 0 && pids;
    });
    const token = await tokenOf(pid ?? 0);
    expect(answerTo(rig.pool, token)).to.equal("busy");
    expect(rig.ready).to.deep.equal([]);
    write();
    await until(() => answerTo(rig.pool, token) === "admitted", { what: "it to be taken" });
    expect(await readRecord(rig.stateDir, gateWorker)).to.include({ token });
  });

  it("assigns nothing to a worker that has dialled in until that is known to whoever assigns", async () => {
    await using rig = await makeRig();
    await rig.pool.ensure(gateWorker);
    const record = await until(() => readRecord(rig.stateDir, gateWorker), { what: "its record" });
    await until(() => rig.pool.slot(gateWorker)?.isRecorded, { what: "that to be noticed" });
    const heard: unknown[] = [];
    await using ends = await connectPeers(
      join(rig.stateDir, "s"),
      {},
      { onNotification: (_method, params) => void heard.push(params) },
    );
    const worker = { role: "worker", protocol: 1, version: "0", worker: gateWorker } as const;
    const hello = { ...worker, token: record.token, pid: 1, holding: [] };
    expect(rig.pool.admit(hello, ends.left).ok).to.equal(true);
    rig.pool.assign(gateWorker, [instant("decided-for-the-one-before")]);
    for (const known of rig.ready) known();
    rig.pool.assign(gateWorker, [instant("decided-for-this-one")]);
    await until(() => heard.length > 0, { what: "an assignment" });
    expect(heard).to.deep.equal([[instant("decided-for-this-one")]]);
  });
});

describe("the pool and a worker of an earlier supervisor", () => {
  const other = { pid: process.pid, startTime: 1 };
  for (const [name, change] of [
    ["whose number another process has now", other],
    ["of another boot", { pid: process.pid, bootId: "another" }],
    ["that is gone", { pid: 2 ** 22 + 1 }],
  ] as const)
    it(`starts a new one for one ${name}, says that it is gone, and kills nobody`, async () => {
      await using rig = await makeRig({ launched: false });
      const identity = { ...ownIdentity(), ...change };
      await writeRecord(rig.stateDir, { worker: gateWorker, token: "t", epoch: 1, identity });
      await rig.pool.ensure(gateWorker);
      expect(rig.said).to.deep.equal(["gone"]);
      rig.pool.slot(gateWorker)?.kill("SIGKILL");
      rig.pool.launch();
      await until(async () => (await rig.started()).length > 0, { what: "the worker" });
    });

  it("takes over one of an older epoch that lives, and hears its end", async () => {
    await using rig = await makeRig({ launched: false });
    using sleeper = spawn("sleep", ["600"], { stdio: "ignore" });
    const identity = identityOf(sleeper.pid ?? 0);
    if (identity === undefined) throw new Error("no sleeper");
    await writeRecord(rig.stateDir, { worker: gateWorker, token: "t", epoch: 0, identity });
    await rig.pool.ensure(gateWorker);
    rig.pool.launch();
    expect(rig.said).to.deep.equal([]);
    expect(rig.pool.slot(gateWorker)).to.include({ state: "cut off", pid: sleeper.pid });
    sleeper.kill("SIGKILL");
    await until(() => rig.said.includes("gone"), { what: "its end" });
  });

  it("leaves none of them behind when it stops, needed or not", async () => {
    await using rig = await makeRig();
    using sleeper = spawn("sleep", ["600"], { stdio: "ignore" });
    const identity = identityOf(sleeper.pid ?? 0);
    if (identity === undefined) throw new Error("no sleeper");
    await writeRecord(rig.stateDir, { worker: gateWorker, token: "t", epoch: 0, identity });
    await rig.pool.start(0, []);
    expect(rig.pool.slot(gateWorker)?.pid).to.equal(sleeper.pid);
    await rig.pool.stop(1_000);
    await until(() => sleeper.signalCode !== null, { what: "its end" });
  });

  it("hears the outcome that a dead one had stored, before it hears that it is gone", async () => {
    await using rig = await makeRig({ launched: false });
    const folder = join(rig.stateDir, "brain", gateWorker);
    using log = new AttemptLog(join(folder, attemptLogName));
    const key = { task: "a" as TaskId, attempt: 1, fence: 7 };
    const cutShort = { task: "b" as TaskId, attempt: 1, fence: 9 };
    await mkdir(folder, { recursive: true });
    log.begin(key);
    log.end({ ...key, outcome: { result: "done", saved: null }, elapsed_ms: 1 });
    log.begin(cutShort);
    await rig.pool.ensure(gateWorker);
    expect(rig.said).to.deep.equal(["report a", "gone"]);
  });
});

function instant(task: string): Assignment {
  return { kind: "instant", task: task as TaskId, attempt: 1, fence: 1 };
}

async function tokenOf(pid: number): Promise<string> {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8");
  return /(?:^|\0)ORCHD_WORKER_TOKEN=([^\0]+)/.exec(environment)?.[1] ?? "";
}

function answerTo(pool: Pool, token: string): string {
  const hello = { worker: gateWorker, token, holding: [] };
  const peer = { notify: () => {}, close: () => {} };
  const answer = pool.admit(hello as unknown as WorkerHello, peer as unknown as Peer);
  return answer.ok ? "admitted" : answer.failure.code;
}

/** A pool whose workers only note that they run, one pid a line. */
/** `endsAfterMs`: what a worker needs to end in order, and then says; by default it just dies. */
async function makeRig({ launched = true, endsAfterMs = 0 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "pool-"));
  const [entry, pids] = [join(folder, "worker.mjs"), join(folder, "pids")];
  await writeFile(pids, "");
  await writeFile(
    entry,
    `import { appendFileSync } from "node:fs";
const say = () => appendFileSync(${JSON.stringify(pids)}, process.pid + "\\n");
const end = () => (say(), process.exit());
if (${endsAfterMs} > 0) process.on("SIGTERM", () => setTimeout(end, ${endsAfterMs}));
say();
setInterval(() => {}, 1000);
`,
  );
  const problems: string[] = [];
  const said: string[] = [];
  const ready: (() => void)[] = [];
  const pool = new Pool({
    epoch: 1,
    brain: join(folder, "brain"),
    stateDir: folder,
    logs: join(folder, "logs"),
    entry,
    path: "",
    staleAfterMs: () => 60_000,
    settings: () => ({}) as WorkerSettings,
    onReady: (_worker, _holding, known) => void ready.push(known),
    onGone: () => void said.push("gone"),
    onHeartbeat: () => {},
    onReports: (_worker, reports) => {
      for (const { task } of reports) said.push(`report ${task}`);
    },
    onProblem: (_worker, message) => void problems.push(message),
    onBug: (error) => {
      throw error;
    },
  });
  if (launched) pool.launch();
  return {
    pool,
    problems,
    said,
    /** One for each worker that dialled in. */
    ready,
    stateDir: folder,
    started: async () =>
      (await readFile(pids, "utf8"))
        .split("\n")
        .filter((line) => line !== "")
        .map(Number),
    [Symbol.asyncDispose]: async () => {
      await pool.stop(1_000);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
