import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import { failure, FailureError } from "../../../ipc/errors.ts";
import { identityOf, judge } from "../../../system/processIdentity.ts";
import { makeRepository } from "../../helpers/repository.ts";
import { orchd } from "../../unit/cli/recording.ts";

/** A process in the place of the supervisor's; `end` kills it as a supervisor would go. */
async function makeProcess() {
  const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  const identity = identityOf(pid);
  if (identity === undefined) throw new Error("the process ended by itself");
  const end = () => child.kill("SIGKILL");
  const isGone = () => judge(identity) === "dead";
  return { pid, end, isGone, [Symbol.dispose]: end };
}

describe("orchd stop", () => {
  it("returns when the process is gone, and says what was ended", async () => {
    using running = await makeProcess();
    const stop = ({ mode }: { mode: string }) => {
      expect(mode).to.equal("now");
      setTimeout(running.end, 30);
      return { running: 2, held: null };
    };
    const run = await orchd("stop", { answers: { stop }, pid: running.pid });
    expect(running.isGone()).to.equal(true);
    expect(run.code).to.equal(0);
    expect(run.err).to.equal("Ending 2 running attempts.\n");
    expect(run.out).to.equal(
      `Stopped (pid ${running.pid}); ended 2 running attempts, which run again after the next start.\n`,
    );
  });

  it("with --drain waits for what runs, and ends nothing", async () => {
    using running = await makeProcess();
    const stop = ({ mode }: { mode: string }) => {
      expect(mode).to.equal("drain");
      setTimeout(running.end, 30);
      return { running: 1, held: null };
    };
    const run = await orchd("stop --drain --json", { answers: { stop }, pid: running.pid });
    expect(JSON.parse(run.out)).to.deep.equal({
      pid: running.pid,
      ended: 0,
      held: null,
    });
    expect(run.err).to.equal("");
  });

  it("takes a supervisor that is gone before its answer has left for stopped", async () => {
    using running = await makeProcess();
    const stop = () => {
      running.end();
      throw new FailureError(failure("connection_lost", "The supervisor was lost."));
    };
    const run = await orchd("stop", { answers: { stop }, pid: running.pid });
    expect(run).to.include({ code: 0, out: `Stopped (pid ${running.pid}).\n` });
  });
});

describe("orchd stop --drain", () => {
  it("says why landing is held, now and later, and what becomes of what waits", async () => {
    using running = await makeProcess();
    const stop = () => {
      setTimeout(running.end, 50);
      return { running: 1, held: "main was reset" };
    };
    const reason = { kind: "problem", message: "a lock is in the way" };
    const events = [
      { seq: 9, at: 0, name: "landing:held", task: null, detail: { reason } },
      { seq: 10, at: 0, name: "landing:base_red", task: null, detail: { message: "main is red" } },
    ];
    const run = await orchd("stop --drain", { answers: { stop }, events, pid: running.pid });
    expect(run.code).to.equal(0);
    for (const why of ["main was reset", "a lock is in the way", "main is red"])
      expect(run.err).to.include(`Landing is held: ${why}.`);
    expect(run.out).to.include("what waits for it goes on after the next start");
  });
});

describe("orchd stop inside a task", () => {
  for (const words of ["stop", "stop --drain"])
    it(`is refused, and the supervisor is not asked (\`${words}\`)`, async () => {
      const run = await orchd(words, { env: { ORCHD_ATTEMPT: "x" } });
      expect(run.code).to.equal(5);
      expect(run.err).to.include("A task cannot stop the supervisor");
      expect(run.calls).to.deep.equal([]);
    });
});

describe("orchd start and restart inside a task", () => {
  for (const words of ["start", "start --foreground", "start --replace", "restart"])
    it(`are refused: orchd ${words}`, async () => {
      const run = await orchd(words, { env: { ORCHD_ATTEMPT: "x" } });
      expect(run.code).to.equal(5);
      expect(run.err).to.include("A task cannot start a supervisor");
      expect(run.calls).to.deep.equal([]);
    });
});

describe("orchd restart", () => {
  it("ends the one that runs, but nothing it runs, then starts another and tells about it", async () => {
    using running = await makeProcess();
    const steps: string[] = [];
    const stop = ({ mode }: { mode: string }) => {
      steps.push(`stop ${mode}`);
      running.end();
      return { running: 2, held: null };
    };
    const starter = async () => ({
      startSupervisor: async () => {
        steps.push(running.isGone() ? "start" : "start too early");
        return { pid: 7, epoch: 4 };
      },
      runSupervisorHere: async () => 0,
    });
    const status = {
      daemon: { pid: 7, epoch: 4 },
      slots: { total: 2 },
      landing: { branch: "orchd/main" },
    };
    const run = await orchd("restart", {
      answers: { stop, status },
      pid: running.pid,
      supervisor: starter,
    });
    expect(steps).to.deep.equal(["stop restart", "start"]);
    expect(run.out).to.equal(
      "orchd is running (pid 7, epoch 4), 2 workers, landing on orchd/main\n",
    );
    // What runs is not ended.
    expect(run.err).to.equal("");
  });

  it("leaves the one that runs alone when the next would refuse its settings", async () => {
    await using repository = await makeRepository({ config: { max_paralel: 2 } });
    for (const [words, said] of [
      ["restart", 'unknown key "max_paralel"'],
      ["restart --max-parallel 65", "max_parallel"],
    ] as const) {
      const run = await orchd(words, { cwd: repository.dir });
      expect(run.code).to.equal(2);
      expect(run.err).to.include(said);
      expect(run.calls).to.deep.equal([]);
    }
  });
});
