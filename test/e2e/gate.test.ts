import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { execa } from "execa";
import { makeRepository } from "../helpers/repository.ts";
import { isGone } from "../helpers/processes.ts";
import { landedCommits, supervise } from "../helpers/supervised.ts";
import { until } from "../helpers/until.ts";
import type { TestRepository } from "../helpers/repository.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { TaskId } from "../../ipc/ids.ts";

/** A supervisor whose checks can be held up, so that landings gather behind the first one. */
type Gated = {
  readonly supervised: Supervised;
  /** The checks of whatever is tested wait, until `release`. */
  readonly hold: () => void;
  readonly release: () => void;
  /** How often the checks were run so far. */
  readonly runs: () => number;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** `check`: a shell line that fails on a bad tree; it is given the folder beside the repository. */
async function makeGated(
  check: string | ((root: string) => string),
  config: object = {},
): Promise<Gated> {
  const repository = await makeRepository();
  const [count, held] = ["runs", "held"].map((name) => join(dirname(repository.dir), name));
  if (count === undefined || held === undefined) throw new Error("no names");
  const line = typeof check === "string" ? check : check(dirname(repository.dir));
  const shell = `echo run >> '${count}'; while [ -e '${held}' ]; do sleep 0.02; done; ${line}`;
  const settings = { max_parallel: 3, verify: [{ shell }], ...config };
  await repository.write("orchd.yaml", JSON.stringify(settings));
  await repository.commit("configured");
  const supervised = await supervise(repository);
  return {
    supervised,
    hold: () => writeFileSync(held, ""),
    release: () => rmSync(held),
    runs: () => (existsSync(count) ? readFileSync(count, "utf8").trim().split("\n").length : 0),
    [Symbol.asyncDispose]: () => supervised[Symbol.asyncDispose](),
  };
}

function writing(file: string): object {
  return { title: `write ${file}`, run: { shell: `echo ${file} > ${file}` }, claims: [file] };
}

/** The first is at the gate, which is held, and the others wait to land behind it. */
async function gather(gated: Gated, tasks: readonly object[]): Promise<TaskId[]> {
  const { supervised, runs } = gated;
  gated.hold();
  const before = runs();
  const first = await supervised.submit(writing(`first${before}`));
  await until(() => runs() > before, { what: "the first at the gate" });
  const ids = await supervised.submit(...tasks);
  const client = await supervised.client();
  await until(
    async () => {
      const { counts } = await client.call("status", { open_max: 0, finished_max: 0 });
      return counts.landing === ids.length + first.length;
    },
    { what: "all of them to wait to land", timeoutMs: 30_000 },
  );
  return [...first, ...ids];
}

async function filesOn(supervised: Supervised, branch: string): Promise<string[]> {
  return (await supervised.repository.git("ls-tree", "--name-only", branch)).split("\n");
}

/** Runs the check on the files of a commit, in a folder of its own. */
async function passes(repository: TestRepository, commit: string, check: string): Promise<boolean> {
  const folder = await mkdtemp(join(dirname(repository.dir), "tip-"));
  await repository.git(`--work-tree=${folder}`, "restore", `--source=${commit}`, "--worktree", ".");
  const { exitCode } = await execa("/bin/sh", ["-c", check], { cwd: folder, reject: false });
  return exitCode === 0;
}

describe("tasks that wait together to land", () => {
  it("ten of them, one guilty, at each place in turn: nine land, with at most six gate runs", async function () {
    this.timeout(180_000);
    await using gated = await makeGated("! ls bad* 2>/dev/null");
    const { supervised, runs, release } = gated;
    for (let guilty = 1; guilty <= 10; guilty += 1) {
      const files = Array.from({ length: 10 }, (_, at) =>
        at + 1 === guilty ? `bad${guilty}` : `round${guilty}.${at + 1}`,
      );
      const ids = await gather(
        gated,
        files.map((file) => writing(file)),
      );
      const before = runs();
      release();
      const ends = await supervised.wait(ids);
      const expected = files.map((file) => (file.startsWith("bad") ? "failed" : "succeeded"));
      expect(ends.map(({ status }) => status)).to.deep.equal(["succeeded", ...expected]);
      expect(ends[guilty]?.reason).to.deep.include({ kind: "gate", output: `bad${guilty}\n` });
      expect(runs() - before, `guilty is number ${guilty}`).to.be.within(1, 6);
    }
    const { repository } = supervised;
    const subjects = (await repository.git("log", "--format=%s", "orchd/main")).split("\n");
    expect(new Set(subjects).size, "each landed once").to.equal(subjects.length);
    expect(subjects).to.have.length(1 + 1 + 10 + 90);
    const files = await filesOn(supervised, "orchd/main");
    expect(files.filter((file) => file.startsWith("bad"))).to.deep.equal([]);
  });

  it("green alone and red together: the first lands, the second fails with the output, and the tip is never red", async function () {
    this.timeout(60_000);
    await using gated = await makeGated(
      "test ! -e left || test ! -e right || { echo both; false; }",
    );
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
    const check =
      "test ! -e left || test ! -e right || test -e agreed || { echo both are there; false; }";
    await using gated = await makeGated(check);
    const { repository } = gated.supervised;
    const repair =
      'git show "$ORCHD_PREVIOUS_COMMIT:right" > right && cp "$ORCHD_GATE_OUTPUT" agreed';
    const shell = `if [ -n "$ORCHD_GATE_OUTPUT" ]; then ${repair}; else echo first try > right; fi`;
    const repairing = {
      title: "write right",
      run: { shell },
      claims: ["right", "agreed"],
      retries: { max: 1, backoff: "10ms" },
    };
    const ids = await gather(gated, [writing("left"), repairing]);
    gated.release();
    const ends = await gated.supervised.wait(ids);
    expect(ends.map(({ status, attempts }) => [status, attempts])).to.deep.equal([
      ["succeeded", 1],
      ["succeeded", 1],
      ["succeeded", 2],
    ]);
    expect(await repository.git("show", "orchd/main:agreed")).to.equal("both are there");
    expect(await repository.git("show", "orchd/main:right")).to.equal("first try");
    const values = (await repository.git("log", "-g", "--format=%H", "orchd/main")).split("\n");
    expect(values.length).to.be.at.least(3);
    for (const value of values)
      expect(await passes(repository, value, check), value).to.equal(true);
    const { stdout } = await gated.supervised.orchd("show", String(ids[2]));
    expect(stdout).not.to.include("sent back");
  });

  it("shows what sent a task back while that may still be repaired", async function () {
    this.timeout(60_000);
    await using gated = await makeGated("! cat bad 2>/dev/null");
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

  it("are tested each by itself with `gate: each`", async function () {
    this.timeout(60_000);
    await using gated = await makeGated("true", { gate: "each" });
    const ids = await gather(gated, [writing("a"), writing("b"), writing("c")]);
    const before = gated.runs();
    gated.release();
    await gated.supervised.wait(ids);
    expect(gated.runs() - before).to.equal(3);
  });

  it("are shown while they are tested, and land once each when the supervisor is killed then", async function () {
    this.timeout(60_000);
    const late = "../late";
    await using gated = await makeGated(
      (root) => `while [ -e c -a -e '${root}/late' ]; do sleep 0.02; done`,
    );
    const { supervised } = gated;
    const file = join(supervised.repository.dir, late);
    const ids = await gather(gated, [writing("a"), writing("b"), writing("c")]);
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
    const started = await supervised.orchd("start");
    expect(started.code, started.stderr).to.equal(0);
    rmSync(file);
    const ends = await supervised.wait(ids);
    expect(ends.map(({ status }) => status)).to.deep.equal(Array(4).fill("succeeded"));
    const subjects = await supervised.repository.git("log", "--format=%s", "orchd/main");
    for (const name of ["a", "b", "c"])
      expect(subjects.split("\n").filter((line) => line === `write ${name}`)).to.have.length(1);
  });

  it("land in the order of priority and age, never the newest first", async function () {
    this.timeout(60_000);
    await using gated = await makeGated("true");
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
    await using gated = await makeGated("true");
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
