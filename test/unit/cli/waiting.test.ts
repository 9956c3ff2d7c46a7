import { expect } from "chai";
import { makeBell } from "../../../cli/bell.ts";
import { progressLine } from "../../../cli/render/progress.ts";
import type { Session, Supervisor } from "../../../cli/session.ts";
import { tellStandstill } from "../../../cli/standstill.ts";
import type { EndView } from "../../../ipc/taskViews.ts";
import { orchd } from "./recording.ts";
import type { RunOptions } from "./recording.ts";
import {
  busyDay,
  commit,
  id,
  landing,
  now,
  row,
  secondsAgo,
  statusView,
  target,
  worker,
} from "./views.ts";

const succeeded: EndView = {
  id: id("t1"),
  status: "succeeded",
  commit,
  reason: null,
  attempts: 1,
};
const failed: EndView = {
  id: id("t2"),
  status: "failed",
  commit: null,
  reason: { kind: "attempt", failure: { kind: "exit", exit_code: 2 } },
  attempts: 3,
};
const never = () => new Promise<never>(() => undefined);

describe("waiting for tasks", () => {
  it("ends with 0 when all succeeded", async () => {
    const run = await orchd("wait t1", { answers: { wait: { tasks: [succeeded], target } } });
    expect(run).to.include({ code: 0, out: "✓  t1  succeeded  a1b2c3d4e\n", err: "" });
  });

  it("says when the branch could not follow what landed", async () => {
    const behind = { ...target, behind: true, follow_problem: "edited: src/a.ts" };
    const run = await orchd("wait t1", {
      answers: { wait: { tasks: [succeeded], target: behind } },
    });
    expect(run.err).to.equal("Landed on orchd/main; main waits: edited: src/a.ts.\n");
    const nothing = { ...succeeded, commit: null };
    const same = await orchd("wait t1", {
      answers: { wait: { tasks: [nothing], target: behind } },
    });
    expect(same.err).to.equal("");
  });

  it("ends with 1 when one failed, and says how to find out why", async () => {
    const run = await orchd("wait t1 t2", {
      answers: { wait: { tasks: [succeeded, failed], target } },
    });
    expect(run.code).to.equal(1);
    expect(run.out).to.equal(
      [
        "✓  t1  succeeded  a1b2c3d4e",
        "✗  t2  failed     exit code 2  3 attempts",
        "2 tasks: 1 succeeded, 1 failed",
        "",
      ].join("\n"),
    );
    expect(run.err).to.equal("`orchd logs t2` prints its output, `orchd show t2` the rest.\n");
  });

  it("sends to `show` for what only that tells", async () => {
    const said = async (reason: EndView["reason"]) =>
      (await orchd("wait t2", { answers: { wait: { tasks: [{ ...failed, reason }], target } } }))
        .err;
    const exit = { kind: "exit", exit_code: 1 } as const;
    expect(await said({ kind: "gate", command: ["make"], failure: exit, output: "" })).to.equal(
      "`orchd show t2` tells what the command printed.\n",
    );
    const ref = "refs/orchd/conflicts/t2";
    expect(await said({ kind: "conflict", paths: ["a"], paths_total: 1, ref })).to.equal(
      "`orchd show t2` prints the commands that resolve it.\n",
    );
  });

  it("ends with 1 when one was cancelled", async () => {
    const cancelled: EndView = { ...succeeded, status: "cancelled", commit: null };
    const run = await orchd("wait t1", { answers: { wait: { tasks: [cancelled], target } } });
    expect(run).to.include({ code: 1, out: "–  t1  cancelled\n" });
  });

  it("prints the documented shape with --json, and nothing else", async () => {
    const run = await orchd("wait t2 --json", { answers: { wait: { tasks: [failed], target } } });
    expect(JSON.parse(run.out)).to.deep.equal({ tasks: [failed], target });
    expect(run).to.include({ code: 1, err: "" });
  });

  it("ends with 130 at Ctrl-C and says that the work goes on", async () => {
    const withInterrupt: RunOptions["withInterrupt"] = (press) => setImmediate(press);
    const run = await orchd("wait t1", { answers: { wait: never }, withInterrupt });
    expect(run).to.include({ code: 130, out: "" });
    expect(run.err).to.equal("No longer waiting; t1 goes on. `orchd status` shows how far.\n");
  });

  it("ends with 5 when it took too long", async () => {
    const run = await orchd("wait t1 --timeout 10ms", { answers: { wait: never } });
    expect(run.code).to.equal(5);
    expect(run.err).to.include("t1 has not ended within 10ms.");
  });

  it("tells once where there is no terminal why nothing goes on, and again when that is another reason", async () => {
    const held = statusView({ landing: { ...landing, held: "main was reset" } });
    const calm = statusView();
    const paused = statusView({ daemon: { ...calm.daemon, paused: true } });
    const views = [held, held, calm, held, paused, paused];
    const said: string[] = [];
    const bell = makeBell();
    const client = {
      call: async () => {
        const view = views.shift();
        if (view === undefined) bell.close();
        return view ?? calm;
      },
    };
    const session = { remark: (text: string) => void said.push(text) };
    await tellStandstill(session as unknown as Session, client as unknown as Supervisor, bell, 1);
    expect(said).to.deep.equal([
      "Landing is held: main was reset.",
      "Landing is held: main was reset.",
      "Everything is paused until `orchd resume`.",
    ]);
  });

  it("looks less and less often where there is no terminal: each look costs the supervisor processes", async () => {
    const waits: number[] = [];
    const bell = { ...makeBell(), isClosed: () => waits.length === 7 };
    const wait = async (ms: number): Promise<void> => void waits.push(ms);
    const client = { call: () => Promise.resolve(statusView()) };
    const session = { remark: () => undefined } as unknown as Session;
    await tellStandstill(session, client as unknown as Supervisor, { ...bell, wait }, 5);
    expect(waits).to.deep.equal([5, 10, 20, 40, 60, 60, 60]);
  });

  it("draws progress on a terminal and removes it before the outcome", async () => {
    const status = statusView({
      tasks: [row({ id: id("t1"), status: "running", since: secondsAgo(3) })],
    });
    const wait = () =>
      new Promise((resolve) => setTimeout(() => resolve({ tasks: [succeeded], target }), 50));
    const run = await orchd("wait t1", { answers: { wait, status }, columns: 80 });
    expect(run.err).to.equal("\u001b[2K\rt1 running 3s\u001b[2K\r");
    expect(run.out).to.equal("✓  t1  succeeded  a1b2c3d4e\n");
  });
});

describe("the progress line", () => {
  const all = new Set(busyDay.tasks.map((task) => task.id));

  it("counts by status and names the slowest running task", () => {
    expect(progressLine(busyDay, all, now)).to.equal(
      "5 of 14 ended · 2 failed · 1 cancelled · 3 running · 2 landing · 4 queued · " +
        "t7k2m9x0ab 3m12s on worker-2",
    );
  });

  it("takes tasks that the view does not hold for ended", () => {
    const open = statusView({ tasks: [row({ id: id("t1") })] });
    expect(progressLine(open, new Set([id("t1"), id("t2"), id("t3")]), now)).to.equal(
      "2 of 3 ended · 1 queued",
    );
  });

  it("of one task says what it does or waits for", () => {
    expect(progressLine(busyDay, new Set([id("docs-index")]), now)).to.equal(
      "docs-index running (setup) on worker-1 9s · added 123 packages in 4s",
    );
    expect(progressLine(busyDay, new Set([id("tq4")]), now)).to.equal(
      "tq4 queued 2s · no free worker",
    );
    const lonely = statusView({
      tasks: [row({ id: id("t1"), status: "landing", worker: worker("worker-1"), stage: "gate" })],
    });
    expect(progressLine(lonely, new Set([id("t1")]), now)).to.equal(
      "t1 landing (gate) on worker-1 1m00s",
    );
    const held = { ...lonely, landing: { ...landing, held: "main was reset" } };
    expect(progressLine(held, new Set([id("t1")]), now)).to.equal(
      "t1 landing (gate) on worker-1 1m00s · landing is held: main was reset",
    );
  });
});
