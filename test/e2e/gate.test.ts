import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { execa } from "execa";
import { filesOn, gather, makeGated, noBadFile, oneGuilty, writing } from "../helpers/gated.ts";
import { isGone } from "../helpers/processes.ts";
import { landedCommits } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { TestRepository } from "../helpers/repository.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { Gated } from "../helpers/gated.ts";

/** Runs the check on the files of a commit, in a folder of its own. */
async function passes(repository: TestRepository, commit: string, check: string): Promise<boolean> {
  const folder = await mkdtemp(join(dirname(repository.dir), "tip-"));
  await repository.git(`--work-tree=${folder}`, "restore", `--source=${commit}`, "--worktree", ".");
  const { exitCode } = await execa("/bin/sh", ["-c", check], { cwd: folder, reject: false });
  return exitCode === 0;
}

/** What is red in the repository that tests share: one file, or two that are green alone. */
const checks = [
  noBadFile,
  "{ test ! -e left || test ! -e right || { echo both; false; }; }",
  "{ test ! -e north || test ! -e south || test -e agreed || { echo both are there; false; }; }",
].join(" && ");

/** While the file is there, the checks of what holds `late.c` go on. */
function waitsFor(file: string): string {
  return `while [ -e late.c -a -e '${file}' ]; do sleep 0.1; done`;
}

describe("tasks that wait together to land", function () {
  this.timeout(60_000);
  let gated: Gated;

  before(async () => {
    gated = await makeGated((root) => `${checks} && ${waitsFor(join(root, "late"))}`);
  });

  after(async () => {
    await gated[Symbol.asyncDispose]();
  });

  it("ten of them, one guilty, at the first, a middle and the last place: nine land, with at most six gate runs", async function () {
    this.timeout(120_000);
    for (const place of [1, 5, 10]) await oneGuilty(gated, place);
  });

  it("green alone and red together: the first lands, the second fails with the output, and the tip is never red", async function () {
    this.timeout(60_000);
    const ids = await gather(gated, [writing("left"), writing("right")]);
    gated.release();
    const [, left, right] = await gated.supervised.wait(ids);
    expect([left?.status, right?.status]).to.deep.equal(["succeeded", "failed"]);
    expect(right?.reason).to.deep.include({ kind: "gate", output: "both\n" });
    const files = await filesOn(gated.supervised, "orchd/main");
    expect(files).to.include("left").and.not.include("right");
  });

  it("green alone and red together: the second goes back with the output, repairs itself and lands; no value of the branch was ever red", async function () {
    this.timeout(60_000);
    const { repository } = gated.supervised;
    const repair =
      'git show "$ORCHD_PREVIOUS_COMMIT:south" > south && cp "$ORCHD_GATE_OUTPUT" agreed';
    const shell = `if [ -n "$ORCHD_GATE_OUTPUT" ]; then ${repair}; else echo first try > south; fi`;
    const repairing = {
      title: "write south",
      run: { shell },
      claims: ["south", "agreed"],
      retries: { max: 1, backoff: "10ms" },
    };
    const ids = await gather(gated, [writing("north"), repairing]);
    gated.release();
    const ends = await gated.supervised.wait(ids);
    expect(ends.map(({ status, attempts }) => [status, attempts])).to.deep.equal([
      ["succeeded", 1],
      ["succeeded", 1],
      ["succeeded", 2],
    ]);
    expect(await repository.git("show", "orchd/main:agreed")).to.equal("both are there");
    expect(await repository.git("show", "orchd/main:south")).to.equal("first try");
    const values = (await repository.git("log", "-g", "--format=%H", "orchd/main")).split("\n");
    expect(values.length).to.be.at.least(3);
    for (const value of values)
      expect(await passes(repository, value, checks), value).to.equal(true);
    const { stdout } = await gated.supervised.orchd("show", String(ids[2]));
    expect(stdout).not.to.include("sent back");
  });

  it("land in the order of priority and age, never the newest first", async function () {
    this.timeout(60_000);
    const { repository } = gated.supervised;
    const later = ["old", "high", "low", "new"].map((name) => ({
      ...writing(name),
      priority: name === "high" ? 5 : name === "low" ? -5 : 0,
    }));
    const ids = await gather(gated, later);
    gated.release();
    await gated.supervised.wait(ids);
    const log = await repository.git("log", "--reverse", "--format=%s", "orchd/main", "-4");
    expect(log.split("\n")).to.deep.equal(
      ["high", "old", "new", "low"].map((name) => `write ${name}`),
    );
  });

  it("are tested again when the gate's worker is killed in the middle of it, and nobody is blamed", async function () {
    this.timeout(60_000);
    const { supervised } = gated;
    const ids = await gather(gated, [writing("a"), writing("b")]);
    const before = gated.runs();
    const pid = gatePid(supervised);
    process.kill(pid, "SIGKILL");
    await until(() => gated.runs() > before, { what: "the checks to run again" });
    expect(gatePid(supervised)).not.to.equal(pid);
    gated.release();
    const ends = await supervised.wait(ids);
    expect(ends.map(({ status, attempts }) => [status, attempts])).to.deep.equal(
      ids.map(() => ["succeeded", 1]),
    );
  });

  it("shows what sent a task back while that may still be repaired", async function () {
    this.timeout(60_000);
    const { supervised } = gated;
    const [bad = ""] = await supervised.submit({
      ...writing("bad"),
      retries: { max: 1, backoff: "1h" },
    });
    const client = await supervised.client();
    await until(
      async () => {
        const { tasks } = await client.call("status", { open_max: 9, finished_max: 0 });
        return tasks[0]?.status === "queued" && tasks[0].attempts === 1;
      },
      { what: "it to be sent back" },
    );
    const { stdout } = await supervised.orchd("show", bad);
    expect(stdout)
      .to.match(/sent back +red at the gate: .*exit code 1/)
      .and.match(/│ bad$/m);
  });

  it("are shown while they are tested, and land once each when the supervisor is killed then", async function () {
    this.timeout(60_000);
    const { supervised } = gated;
    const file = join(supervised.repository.dir, "../late");
    const ids = await gather(gated, [writing("late.a"), writing("late.b"), writing("late.c")]);
    writeFileSync(file, "");
    gated.release();
    const client = await supervised.client();
    await until(
      async () => {
        const { landing } = await client.call("status", { open_max: 0, finished_max: 0 });
        return landing.testing?.join() === ids.slice(1).join() && landing.current?.step === "gate";
      },
      { what: "the three to be tested together" },
    );
    const { stdout } = await supervised.orchd("status");
    expect(stdout).to.include("at the gate with 2 in front");
    await supervised.killSupervisor();
    await supervised.start();
    rmSync(file);
    const ends = await supervised.wait(ids);
    expect(ends.map(({ status }) => status)).to.deep.equal(Array(4).fill("succeeded"));
    const subjects = await supervised.repository.git("log", "--format=%s", "orchd/main");
    for (const name of ["late.a", "late.b", "late.c"])
      expect(subjects.split("\n").filter((line) => line === `write ${name}`)).to.have.length(1);
  });
});

describe("tasks that wait together to land, in a repository of their own", () => {
  // Each of the ten places: test/hostile/guilty.test.ts.

  it("are tested each by itself with `gate: each`", async function () {
    this.timeout(60_000);
    await using gated = await makeGated("true", { gate: "each" });
    const ids = await gather(gated, [writing("a"), writing("b"), writing("c")]);
    const before = gated.runs();
    gated.release();
    await gated.supervised.wait(ids);
    expect(gated.runs() - before).to.equal(3);
  });

  it("are merged anew when the person commits meanwhile, and nothing of either is lost", async function () {
    this.timeout(60_000);
    await using gated = await makeGated("true", { follow: "manual" });
    const { supervised, runs } = gated;
    const { repository } = supervised;
    const ids = await gather(gated, [writing("a"), writing("b")]);
    await repository.write("person.txt", "by a person\n");
    const commit = await repository.commit("By a person");
    await supervised.orchd("land");
    const before = runs();
    gated.release();
    const ends = await supervised.wait(ids);
    expect(ends.map(({ status, attempts }) => [status, attempts])).to.deep.equal(
      ids.map(() => ["succeeded", 1]),
    );
    expect(runs(), "tested again with that commit").to.be.greaterThan(before);
    expect(await filesOn(supervised, "orchd/main")).to.include.members(["person.txt", "a", "b"]);
    await repository.git("merge-base", "--is-ancestor", commit, "orchd/main");
    const landed = await landedCommits(repository);
    for (const id of ids) expect(landed.get(id), id).to.have.length(1);
  });

  it("wait when the person resets their branch meanwhile, and land on what they accept", async function () {
    this.timeout(60_000);
    await using gated = await makeGated("true");
    const { supervised } = gated;
    const { repository } = supervised;
    await supervised.wait(await supervised.submit(writing("gone")));
    await until(async () => (await filesOn(supervised, "main")).includes("gone"), {
      what: "the target to follow",
    });
    const ids = await gather(gated, [writing("a"), writing("b")]);
    await repository.git("reset", "--quiet", "--hard", "HEAD~1");
    gated.release();
    const client = await supervised.client();
    await until(
      async () => {
        const { landing } = await client.call("status", { open_max: 0, finished_max: 0 });
        return landing.held?.includes("reset") === true;
      },
      { what: "landing to be held" },
    );
    const accepted = await supervised.orchd("land", "--accept-rewind");
    expect(accepted.code, accepted.stderr).to.equal(0);
    const ends = await supervised.wait(ids);
    expect(ends.map(({ status }) => status)).to.deep.equal(ids.map(() => "succeeded"));
    const files = await filesOn(supervised, "orchd/main");
    expect(files).to.include.members(["a", "b"]).and.not.include("gone");
  });

  it("fail on checks that hang only after their base was tested, and nothing of those checks is left", async function () {
    this.timeout(60_000);
    const hang = (root: string): string =>
      `if [ -e bad ]; then trap '' TERM; sleep 300 & echo $! > '${root}/child'; wait; sleep 300; fi`;
    await using gated = await makeGated(hang, { limits: { verify_timeout: "2s", grace: "200ms" } });
    const { supervised, runs } = gated;
    const ids = await supervised.submit({ ...writing("bad"), retries: 0 });
    const [end] = await supervised.wait(ids);
    expect(end?.reason).to.deep.include({
      kind: "gate",
      failure: { kind: "timeout", timeout_ms: 2_000 },
    });
    expect(runs(), "of the candidate, and of its base").to.equal(2);
    const child = Number(readFileSync(join(dirname(supervised.repository.dir), "child"), "utf8"));
    await until(() => isGone(child), { what: "what the check started to be gone" });
    const { stdout } = await supervised.orchd("show", String(ids[0]));
    expect(stdout).to.include("timed out after 2s");
    // Tested once and never elsewhere: a red task that is alone is red.
    expect(await filesOn(supervised, "orchd/main")).not.to.include("bad");
  });

  it("blame nobody for a branch that is red by itself: landing is held, says so, and goes on when the person mends it", async function () {
    this.timeout(60_000);
    await using gated = await makeGated("test ! -e broken || { echo broken; false; }");
    const { supervised } = gated;
    const { repository } = supervised;
    await repository.write("broken", "by a person\n");
    await repository.commit("Break it");
    const ids = await supervised.submit(writing("a"), writing("b"));
    const client = await supervised.client();
    await until(
      async () => {
        const { landing, counts } = await client.call("status", { open_max: 0, finished_max: 0 });
        return landing.held?.includes("on the branch itself") === true && counts.landing === 2;
      },
      { what: "landing to be held on a red base" },
    );
    expect((await supervised.orchd("status")).stdout).to.include("fails on the branch itself");
    await repository.git("rm", "--quiet", "broken");
    await repository.commit("Mend it");
    const ends = await supervised.wait(ids);
    expect(ends.map(({ status, attempts }) => [status, attempts])).to.deep.equal([
      ["succeeded", 1],
      ["succeeded", 1],
    ]);
    const { landing } = await client.call("status", { open_max: 0, finished_max: 0 });
    expect(landing.held).to.equal(null);
  });
});

function gatePid({ repository }: Supervised): number {
  const record = readFileSync(join(repository.dir, ".aibrain/gate-1/worker.json"), "utf8");
  return (JSON.parse(record) as { pid: number }).pid;
}
