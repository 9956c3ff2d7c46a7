import { expect } from "chai";
import { failure, FailureError } from "../../../ipc/errors.ts";
import type { EventView } from "../../../ipc/eventView.ts";
import { orchd } from "./recording.ts";
import {
  busyDay,
  commit,
  id,
  landing,
  holdId,
  now,
  secondsAgo,
  statusView,
  taskView,
  worker,
  workerRow,
} from "./views.ts";

const change = (name: string, changed: boolean, status = "cancelled") => ({
  id: id(name),
  status,
  changed,
});

describe("a command that asks the supervisor", () => {
  it("prints the view as it is with --json", async () => {
    const view = taskView();
    const run = await orchd("show t1 --json", { answers: { show: view } });
    expect(JSON.parse(run.out)).to.deep.equal(JSON.parse(JSON.stringify(view)));
    expect(run.calls).to.deep.equal([{ method: "show", params: { id: "t1" } }]);
  });

  it("exits with the code of the supervisor's failure", async () => {
    const missing = () =>
      Promise.reject(new FailureError(failure("not_found", "There is no task t9.")));
    const run = await orchd("show t9", { answers: { show: missing } });
    expect(run.code).to.equal(4);
    expect(run.err).to.equal("orchd: There is no task t9.\n`orchd status` lists the tasks.\n");
  });

  it("cuts to the width of a terminal, and nothing in a pipe", async () => {
    const answers = { status: busyDay };
    const narrow = await orchd("status", { answers, columns: 80 });
    const piped = await orchd("status", { answers });
    expect(narrow.out).to.include("Fix the auth middleware so tha…");
    expect(piped.out).to.include("Fix the auth middleware so that expired tokens are refused");
  });
});

describe("show", () => {
  it("prints commands for parked work that a shell takes, whatever its paths are called", async () => {
    const parked = {
      ref: "refs/orchd/conflicts/t1",
      paths: ["src/a.ts", "it's.txt"],
      paths_total: 1_002,
      branch: "resolve/t1",
      worktree: "/srv/my app-resolve-t1",
      earlier: null,
      kept: true,
    };
    const view = taskView({ status: "failed", since: secondsAgo(1), parked });
    const { out } = await orchd("show t1", { answers: { show: view } });
    expect(out).to.include("parked: its work conflicts in src/a.ts, it's.txt and 1000 more\n");
    const commands = out.split("\n").map((line) => line.trim());
    expect(commands).to.include.members([
      "git diff 'refs/orchd/conflicts/t1^1' 'refs/orchd/conflicts/t1^2' -- :/src/a.ts ':/it'\\''s.txt'",
      "git worktree add -b resolve/t1 '/srv/my app-resolve-t1' 'refs/orchd/conflicts/t1^2'",
      "git -C '/srv/my app-resolve-t1' cherry-pick --no-commit 'refs/orchd/conflicts/t1^3'",
      "orchd land --resolved t1",
    ]);
  });

  it("names another branch where one is there from an earlier resolution, and how that one lands", async () => {
    const parked = {
      ref: "refs/orchd/conflicts/t1",
      paths: ["a.ts"],
      paths_total: 1,
      branch: "resolve/t1+2",
      worktree: "/srv/app-resolve-t1+2",
      earlier: "resolve/t1",
      kept: true,
    };
    const view = taskView({ status: "failed", since: secondsAgo(1), parked });
    const { out } = await orchd("show t1", { answers: { show: view } });
    const lines = out.split("\n").map((line) => line.trim());
    expect(lines).to.include.members([
      "# resolve/t1 is there from an earlier time; to land what it is now:",
      "# orchd land --resolved t1",
      "git worktree add -b resolve/t1+2 /srv/app-resolve-t1+2 'refs/orchd/conflicts/t1^2'",
      "orchd land --resolved t1 --commit resolve/t1+2",
    ]);
  });

  it("prints no command on parked work that is kept no longer, and says so", async () => {
    const parked = {
      ref: "refs/orchd/conflicts/t1",
      paths: ["src/a.ts"],
      paths_total: 1,
      branch: "resolve/t1",
      worktree: "/srv/app-resolve-t1",
      earlier: null,
      kept: false,
    };
    const view = taskView({ status: "failed", since: secondsAgo(1), parked });
    const { out } = await orchd("show t1", { answers: { show: view } });
    expect(out).to.include("refs/orchd/conflicts/t1 was kept for as long as `retention` says");
    expect(out).not.to.include("git worktree add").and.not.to.include("conflicts/t1^");
  });

  it("tells what was asked, every attempt and why it failed, with the gate's last words", async () => {
    const view = taskView({
      status: "failed",
      since: secondsAgo(60),
      reason: {
        kind: "gate",
        command: ["npm", "test"],
        failure: { kind: "exit", exit_code: 1 },
        output: "1 failing\n\u001b[31mexpected 1 to equal 2\u001b[0m\n",
      },
      attempt_list: [
        {
          attempt: 1,
          worker: worker("worker-1"),
          fence: 12,
          started_at: secondsAgo(90),
          ended_at: secondsAgo(30),
          result: "done",
          failure: null,
          saved_ref: "refs/orchd/attempts/t1/1",
          saved_commit: commit,
          logs: "/srv/app/.aibrain/worker-1/attempts/t1.1",
        },
      ],
    });
    const { out } = await orchd("show t1", { answers: { show: view } });
    const lines = out.split("\n").filter((line) => !line.includes("submitted"));
    expect(lines).to.deep.equal([
      "t1  Fix the auth middleware",
      "  status     failed for 1m00s",
      "  reason     red at the gate: npm test: exit code 1",
      "",
      "  work     npm run 'fix all'",
      "  claims   writes src/auth/**; reads docs/**; db:staging × 1",
      "  timeout  20m",
      "  retries  2",
      "  verify   npm test",
      "",
      "  attempt 1  worker-1  done  1m00s  saved a1b2c3d4e  /srv/app/.aibrain/worker-1/attempts/t1.1",
      "",
      "  │ 1 failing",
      "  │ expected 1 to equal 2",
      "",
    ]);
  });
});

describe("cancel, retry, pause and resume", () => {
  it("say of each task what was done, and of some that there was nothing to do", async () => {
    const answers = { cancel: { tasks: [change("t1", true), change("t2", false, "succeeded")] } };
    const run = await orchd("cancel t1 t2 t1", { answers });
    expect(run.out).to.equal("t1  cancelled\nt2  nothing to do: it succeeded\n");
    expect(run.calls[0]?.params).to.deep.equal({ ids: ["t1", "t2"] });
    expect(run.code).to.equal(0);
  });

  it("mint a request id for a retry, so that it counts once", async () => {
    const answers = { retry: { tasks: [change("t1", true, "queued")] } };
    const run = await orchd("retry t1", { answers });
    expect(run.out).to.equal("t1  queued again\n");
    expect(run.calls[0]?.params)
      .to.have.property("request")
      .that.matches(/^r[0-9a-z]{16}$/);
  });

  it("without ids mean everything", async () => {
    const answers = { pause: { tasks: [], all: true }, resume: { tasks: [], all: true } };
    expect((await orchd("pause", { answers })).out).to.include("nothing starts until");
    expect((await orchd("resume", { answers })).out).to.include("tasks start again");
    expect(JSON.parse((await orchd("pause --json", { answers })).out)).to.deep.equal(answers.pause);
  });
});

describe("workers, locks and land", () => {
  it("list workers, also when there are none", async () => {
    const workers = [
      workerRow({ worker: worker("worker-1"), state: "busy", tasks: [id("t1")], stage: "setup" }),
    ];
    const run = await orchd("workers", { answers: { workers: { workers } } });
    expect(run.out).to.equal("worker-1  busy  pid 512  t1  setup  heartbeat 2s ago  1m00s\n");
    expect((await orchd("workers", { answers: { workers: { workers: [] } } })).out).to.equal(
      "No workers.\n",
    );
  });

  it("list locks with their holders and waiters", async () => {
    const lock = {
      holder: id("t1"),
      kind: "task",
      attempt: 2,
      fence: 41,
      worker: worker("worker-1"),
      writes: ["src/**"],
      reads: [],
      resources: {},
      optimistic: false,
      granted_at: secondsAgo(5),
      requested_at: secondsAgo(9),
      heartbeat_age_ms: 2_000,
      pid: 77,
      note: "a title",
      waiters: [id("t2")],
      file: null,
    } as const;
    const waiting = {
      ...lock,
      holder: holdId("lock:abc"),
      kind: "lock",
      attempt: null,
      fence: null,
      worker: null,
      granted_at: null,
      heartbeat_age_ms: null,
      waiters: [],
    } as const;
    const run = await orchd("locks", { answers: { locks: { locks: [lock, waiting] } } });
    expect(run.out).to.equal(
      "HOLDER    BY        HOLDS          WAITED FOR BY  FENCE  AGE  SEEN\n" +
        "t1.2      worker-1  writes src/**  t2                41   5s    2s\n" +
        "lock:abc  pid 77    writes src/**                 waits   9s\n",
    );
    expect((await orchd("locks", { answers: { locks: { locks: [] } } })).out).to.equal(
      "No locks are held.\n",
    );
  });

  it("land says whether the branch follows, with exit code 5 when it cannot", async () => {
    const behind = { ...landing, ahead: 3, follow_problem: "src/a.ts edited" };
    const run = await orchd("land --accept-rewind", { answers: { land: behind } });
    expect(run.calls[0]?.params).to.deep.equal({ accept_rewind: true, reapply: false });
    expect(run.out).to.equal(
      "orchd/main at a1b2c3d4e\n3 landed on orchd/main; main waits: src/a.ts edited\n",
    );
    expect(run.code).to.equal(5);
    expect((await orchd("land", { answers: { land: landing } })).code).to.equal(0);
    const again = await orchd("land --reapply", { answers: { land: landing } });
    expect(again.calls[0]?.params).to.deep.equal({ accept_rewind: false, reapply: true });
    const both = await orchd("land --reapply --accept-rewind", { answers: { land: landing } });
    expect(both.code).to.equal(2);
    expect(both.calls).to.deep.equal([]);
  });

  it("land asks nobody where its options do not fit together or name no commit", async () => {
    const lonely = await orchd("land --commit HEAD");
    expect([lonely.code, lonely.err]).to.deep.equal([
      2,
      "orchd: land: --commit goes with --resolved ID\n",
    ]);
    expect((await orchd("land --reapply --resolved t1")).code).to.equal(2);
    const nowhere = await orchd("land --resolved t1", { cwd: "/" });
    expect([nowhere.code, nowhere.calls]).to.deep.equal([4, []]);
  });
});

describe("events", () => {
  const event = (seq: number, name: string): EventView => ({
    seq,
    at: now,
    name,
    task: id("t1"),
    detail: { worker: "worker-1", nothing: null },
  });
  const events = [event(1, "task:queued"), event(2, "task:started"), event(3, "task:succeeded")];

  it("prints what is kept, up to now, and ends", async () => {
    const run = await orchd("events --from 1 --json", { events, answers: { events: { seq: 3 } } });
    const printed = run.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as EventView);
    expect(printed.map(({ seq }) => seq)).to.deep.equal([2, 3]);
    expect(run.code).to.equal(0);
  });

  it("is one line an event for people", async () => {
    const run = await orchd("events --from 2", { events, answers: { events: { seq: 3 } } });
    expect(run.out).to.match(/^\d\d:\d\d:\d\d {6}3 {2}task:succeeded {6}t1 {2}worker=worker-1\n$/);
  });

  it("has the date in front where that was on another day", async () => {
    const old = { ...event(1, "task:queued"), at: now - 48 * 3_600_000 };
    const run = await orchd("events", {
      events: [old, event(2, "x:y")],
      answers: { events: { seq: 2 } },
    });
    const [first, second] = run.out.split("\n");
    expect(first).to.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {6}1 {2}task:queued/);
    expect(second).to.match(/^\d\d:\d\d:\d\d {6}2 /);
  });

  it("is empty when nothing is newer", async () => {
    const run = await orchd("events --from 3", { events, answers: { events: { seq: 3 } } });
    expect(run).to.include({ code: 0, out: "" });
  });
});

describe("logs", () => {
  const piece = (text: string, offset: number, size: number, live = false) => ({
    attempt: 1,
    chunk: new TextEncoder().encode(text),
    next_offset: offset + text.length,
    size,
    live,
  });

  it("prints every piece, byte by byte", async () => {
    const logs = ({ offset }: { offset: number }) =>
      offset === 0 ? piece("hello ", 0, 11) : piece("world", 6, 11);
    const run = await orchd("logs t1 --stderr", { answers: { logs } });
    expect(run.out).to.equal("hello world");
    expect(run.calls.map(({ params }) => params)).to.deep.equal([
      { id: "t1", attempt: null, stream: "stderr", offset: 0 },
      { id: "t1", attempt: 1, stream: "stderr", offset: 6 },
    ]);
  });

  it("says where to look when it printed nothing, which is not part of the product", async () => {
    const logs = ({ stream }: { stream: string }) =>
      stream === "stderr" ? piece("no such file", 0, 12) : piece("", 0, 0);
    const run = await orchd("logs t1", { answers: { logs } });
    expect(run).to.include({ code: 0, out: "" });
    expect(run.err).to.equal("It printed nothing there; see `orchd logs t1 --stderr`.\n");
    const silent = await orchd("logs t1 --stderr", { answers: { logs: piece("", 0, 0) } });
    expect(silent.err).to.equal("It printed nothing.\n");
  });

  it("with --follow goes on until the attempt has ended", async () => {
    let asked = 0;
    const logs = ({ offset }: { offset: number }) => {
      asked += 1;
      if (asked === 1) return piece("a\n", 0, 2, true);
      return asked === 2 ? piece("", offset, 2, true) : piece("b\n", offset, 4, false);
    };
    const run = await orchd("logs t1 -f", { answers: { logs } });
    expect(run.out).to.equal("a\nb\n");
    expect(run.code).to.equal(0);
  });

  it("with --json is a document a piece, characters whole across pieces", async () => {
    const bytes = new TextEncoder().encode("é!");
    const logs = ({ offset }: { offset: number }) => ({
      attempt: 2,
      chunk: bytes.subarray(offset, offset + 1),
      next_offset: offset + 1,
      size: 3,
      live: false,
    });
    const run = await orchd("logs t1 --json", { answers: { logs } });
    const texts = run.out
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { text: string }).text);
    expect(texts.join("")).to.equal("é!");
  });
});

describe("config", () => {
  it("shows durations and sizes as one would write them", async () => {
    const config = {
      max_parallel: 3,
      target: null,
      limits: { timeout_ms: 5_400_000, output_bytes: 10 * 1024 ** 2 },
      resources: {},
    };
    const run = await orchd("config", {
      answers: { config: { file: "/srv/app/orchd.yaml", config } },
    });
    expect(run.out).to.equal(
      [
        "/srv/app/orchd.yaml",
        "In force in the running supervisor.",
        "",
        "max_parallel    3",
        "target          not set",
        "limits.timeout  1h30m",
        "limits.output   10MiB",
        "resources       {}",
        "",
      ].join("\n"),
    );
  });
});

describe("status --watch", () => {
  it("without a terminal prints once a change", async () => {
    const views = [statusView(), statusView(), statusView({ tasks: busyDay.tasks.slice(0, 1) })];
    let asked = 0;
    let press = () => {};
    const status = () => {
      const view = views[Math.min(asked, views.length - 1)];
      asked += 1;
      if (asked > views.length) press();
      return view;
    };
    const run = await orchd("status --watch --json", {
      answers: { status },
      withInterrupt: (interrupt) => {
        press = interrupt;
      },
    });
    expect(run.out.trim().split("\n")).to.have.length(2);
    expect(run.code).to.equal(130);
  });

  it("on a terminal draws in the alternate screen and gives the terminal back", async () => {
    let press = () => {};
    const status = () => {
      setImmediate(() => press());
      return busyDay;
    };
    const run = await orchd("status --watch", {
      answers: { status },
      columns: 80,
      withInterrupt: (interrupt) => {
        press = interrupt;
      },
    });
    expect(run.out)
      .to.match(/^\u001b\[\?1049h/)
      .and.to.match(/\u001b\[\?1049l$/);
    expect(run.out).to.include("3 landed on orchd/main; main waits: src/a.ts edited");
    expect(run.code).to.equal(0);
  });
});
