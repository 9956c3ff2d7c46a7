import { expect } from "chai";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gateWorker, Pool } from "../../../daemon/pool/pool.ts";
import { recordPath } from "../../../daemon/pool/record.ts";
import { until } from "../../helpers/until.ts";

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

  it("ends a worker that it cannot write down, instead of starting its twin beside it", async () => {
    await using rig = await makeRig();
    // A file where the folder of the records should be.
    await writeFile(join(recordPath(rig.stateDir, gateWorker), ".."), "");
    await rig.pool.ensure(gateWorker);
    await until(async () => rig.problems.length > 1, { what: "two tries" });
    const running = (await rig.started()).filter(isRunning);
    expect(running.length, "at the same time").to.be.at.most(1);
  });
});

/** A pool whose workers only note that they run, one pid a line. */
async function makeRig({ launched = true } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "pool-"));
  const [entry, pids] = [join(folder, "worker.mjs"), join(folder, "pids")];
  await writeFile(pids, "");
  await writeFile(
    entry,
    `import { appendFileSync } from "node:fs";
appendFileSync(${JSON.stringify(pids)}, process.pid + "\\n");
setInterval(() => {}, 1000);
`,
  );
  const problems: string[] = [];
  const pool = new Pool({
    epoch: 1,
    brain: join(folder, "brain"),
    stateDir: folder,
    logs: join(folder, "logs"),
    entry,
    path: "",
    staleAfterMs: () => 60_000,
    settings: () => {
      throw new Error("no worker dials in");
    },
    onReady: () => {},
    onGone: () => {},
    onHeartbeat: () => {},
    onReports: () => {},
    onProblem: (_worker, message) => void problems.push(message),
    onBug: (error) => {
      throw error;
    },
  });
  if (launched) pool.launch();
  return {
    pool,
    problems,
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
