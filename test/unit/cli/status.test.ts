import { expect } from "chai";
import { painter } from "../../../cli/render/paint.ts";
import { statusPage } from "../../../cli/render/status.ts";
import { displayWidth } from "../../../cli/render/text.ts";
import { busyDay, id, landing, now, row, statusView, worker, workerRow } from "./views.ts";

const look = (width: number, colour = false) => ({ width, paint: painter(colour), now });

const at80 = `orchd 0.1.0   pid 4242   epoch 3   up 2h14m
slots ███░ 3 of 4 busy   8 queued   2 landing   5 succeeded   2 failed
1 cancelled

Running 3
  t7k2m9x0ab  Fix the auth middleware so tha…  worker-2                    3m12s
    PASS src/auth/login.test.ts (12 tests, 3.1 s) and a lot more of words that…
  docs-index  Write the index of the documen…  worker-1  setup  attempt 2     9s
    added 123 packages in 4s
  t0000000zz  red title 日本語のタイトル       worker-3                    1m01s

Landing 2
  t9d8f7g6h5  Rename user to account  at the gate      28s
  t5s4d3f2g1  Remove the old parser   1 landing ahead  12s

Queued 8
  tq1  Add a migration f…  src/auth/** is held by t7k2m9x0ab (running on…  3m20s
  tq2  Release notes       waits for t7k2m9x0ab (running on worker-2, 3m…  3m20s
  tq3  Flaky thing         retry in 12s                                      20s
  tq4  Another             no free worker                                     2s
  and 4 more

Finished
  ✓  tf1  Add an index on a…  a1b2c3d4e                                1m10s ago
  ✗  tf2  Upgrade the linte…  red at the gate: npm test: exit code 1  11m40s ago
  ✗  tf3  Slow one            timed out after 20m                      1h56m ago
  –  tf4  Never mind          cancelled                                1d01h ago
  ✓  tf5  Look around         no change                                1d01h ago
  and 3 more: \`orchd history\`

Workers
  worker-1  busy      pid 511  docs-index  setup    heartbeat 2s ago     9s
  worker-2  busy      pid 512  t7k2m9x0ab  running  heartbeat 4s ago  3m12s
  worker-3  busy      pid 513  t0000000zz  running  no heartbeat yet  1m01s
  worker-4  starting                                                   0.3s

Branch
  orchd/main at a1b2c3d4e
  3 landed on orchd/main; main waits: src/a.ts edited`;

const at120 = `orchd 0.1.0   pid 4242   epoch 3   up 2h14m
slots ███░ 3 of 4 busy   8 queued   2 landing   5 succeeded   2 failed   1 cancelled

Running 3
  t7k2m9x0ab  Fix the auth middleware so that expired tokens are refused  worker-2                    3m12s
    PASS src/auth/login.test.ts (12 tests, 3.1 s) and a lot more of words that do not fit into eighty columns
  docs-index  Write the index of the documentation                        worker-1  setup  attempt 2     9s
    added 123 packages in 4s
  t0000000zz  red title 日本語のタイトル                                  worker-3                    1m01s

Landing 2
  t9d8f7g6h5  Rename user to account  at the gate      28s
  t5s4d3f2g1  Remove the old parser   1 landing ahead  12s

Queued 8
  tq1  Add a migration for accounts  src/auth/** is held by t7k2m9x0ab (running on worker-2, 3m12s) as src/**  3m20s
  tq2  Release notes                 waits for t7k2m9x0ab (running on worker-2, 3m12s) and 1 more              3m20s
  tq3  Flaky thing                   retry in 12s                                                                20s
  tq4  Another                       no free worker                                                               2s
  and 4 more

Finished
  ✓  tf1  Add an index on accounts.email                              a1b2c3d4e                                1m10s ago
  ✗  tf2  Upgrade the linter and everything that comes along with it  red at the gate: npm test: exit code 1  11m40s ago
  ✗  tf3  Slow one                                                    timed out after 20m                      1h56m ago
  –  tf4  Never mind                                                  cancelled                                1d01h ago
  ✓  tf5  Look around                                                 no change                                1d01h ago
  and 3 more: \`orchd history\`

Workers
  worker-1  busy      pid 511  docs-index  setup    heartbeat 2s ago     9s
  worker-2  busy      pid 512  t7k2m9x0ab  running  heartbeat 4s ago  3m12s
  worker-3  busy      pid 513  t0000000zz  running  no heartbeat yet  1m01s
  worker-4  starting                                                   0.3s

Branch
  orchd/main at a1b2c3d4e
  3 landed on orchd/main; main waits: src/a.ts edited`;

describe("the status page", () => {
  it("fits into 80 columns, titles giving way before reasons", () => {
    expect(statusPage(busyDay, look(80))).to.equal(at80);
  });

  it("uses 120 columns where there are as many", () => {
    expect(statusPage(busyDay, look(120))).to.equal(at120);
  });

  it("never has a line wider than the window, from 72 columns on", () => {
    for (const width of [72, 80, 100, 160]) {
      const lines = statusPage(busyDay, look(width)).split("\n");
      const widest = Math.max(...lines.map(displayWidth));
      expect(widest, `at ${width} columns`).to.be.at.most(width);
    }
  });

  it("cuts nothing where there is no window", () => {
    expect(statusPage(busyDay, look(Infinity))).not.to.include("…");
  });

  it("says the same with colour, and resets every colour it sets", () => {
    const painted = statusPage(busyDay, look(120, true));
    expect(painted.replaceAll(/\u001b\[\d+m/g, "")).to.equal(at120);
    const codes = [...painted.matchAll(/\u001b\[(\d+)m/g)].map((match) => Number(match[1]));
    expect(codes.length % 2).to.equal(0);
    expect(codes.filter((_, index) => index % 2 === 1).every((code) => [22, 39].includes(code))).to
      .be.true;
  });

  it("invites to the first task when there is none", () => {
    expect(statusPage(statusView(), look(80))).to.equal(
      [
        "orchd 0.1.0   pid 4242   epoch 3   up 2h14m",
        "slots ░░░░ 0 of 4 busy",
        "",
        "No tasks yet. `orchd run -- CMD` starts one.",
        "",
        "Branch",
        "  orchd/main at a1b2c3d4e",
        "  main has everything that landed on orchd/main",
      ].join("\n"),
    );
  });

  it("says when the supervisor is paused, draining or cannot write its journal", () => {
    const { daemon } = statusView();
    const troubled = { ...daemon, state: "draining", paused: true } as const;
    const page = statusPage(
      statusView({ daemon: { ...troubled, journal: { problem: "no space left" } } }),
      look(100),
    );
    expect(page).to.include("up 2h14m   draining   paused\n");
    expect(page).to.include("journal: no space left");
  });

  it("says with numbers that a disk has too little space for anything to start", () => {
    const space = { folder: "/work", free_bytes: 5 * 1024 ** 2, needed_bytes: 1024 ** 3 };
    const page = statusPage(statusView({ daemon: { ...statusView().daemon, space } }), look(100));
    expect(page).to.include(
      "nothing starts: 5 MiB free in /work, less than limits.min_free_disk (1 GiB)",
    );
  });

  it("says what holds landing", () => {
    const held = { ...landing, held: "main was reset; see `orchd land --help`" };
    expect(statusPage(statusView({ landing: held }), look(100))).to.include(
      "  landing is held: main was reset; see `orchd land --help`",
    );
  });

  it("does not promise that the branch follows while landing is held", () => {
    const behind = { ...landing, ahead: 1 };
    const held = { ...behind, held: "main was reset" };
    expect(statusPage(statusView({ landing: behind }), look(100))).to.include("is about to follow");
    expect(statusPage(statusView({ landing: held }), look(100))).to.include(
      "1 landed on orchd/main; main does not follow yet\n",
    );
  });

  it("shows which landing is at work and how many are ahead of the others", () => {
    const tasks = ["ta", "tb", "tc"].map((name) => row({ id: id(name), status: "landing" }));
    const waiting = [id("tb"), id("ta"), id("tc")];
    const page = statusPage(statusView({ tasks, landing: { ...landing, waiting } }), look(80));
    const lines = page.split("\n").filter((line) => /^ {2}t[abc]/.test(line));
    expect(lines.map((line) => line.trim().split(/ {2,}/))).to.deep.equal([
      ["tb", "Title of tb", "next", "1m00s"],
      ["ta", "Title of ta", "1 landing ahead", "1m00s"],
      ["tc", "Title of tc", "2 landings ahead", "1m00s"],
    ]);
  });

  it("does not repeat what an agent printed as anything a terminal would obey", () => {
    const busy = workerRow({ worker: worker("worker-1"), last_line: "\u001b[2Jgone\u0007" });
    const running = row({ id: id("t1"), status: "running", worker: worker("worker-1") });
    const page = statusPage(statusView({ tasks: [running], workers: [busy] }), look(80));
    expect(page).to.include("    gone");
    expect(page).not.to.match(/[\u0007\u001b]/);
  });
});
