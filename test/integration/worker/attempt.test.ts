import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import type { Oid, TaskId } from "../../../ipc/ids.ts";
import type { Outcome } from "../../../ipc/workerMessages.ts";
import { until } from "../../helpers/until.ts";
import { shellTask } from "./fakeSupervisor.ts";
import { makeRig, savedOf, startedRig } from "./rig.ts";

describe("an attempt of a task", () => {
  it("runs in a clone at the landing branch, saves what it changed, and goes through every stage", async () => {
    await using rig = await startedRig();
    const task = shellTask("t1", "echo hello; echo odd >&2; echo changed > a.txt; pwd");
    rig.assign(task);
    const report = await rig.reportOf(task);
    expect(report).to.deep.include({ task: "t1", attempt: 1, fence: 11 });
    expect(report.outcome.result).to.equal("done");
    const saved = savedOf(report);
    expect(saved).to.deep.include({ touched: ["a.txt"], descends: true, touched_total: 1 });
    expect(saved?.ref).to.equal("refs/orchd/attempts/t1/1");
    expect(await rig.person.git("cat-file", "-p", "refs/orchd/attempts/t1/1:a.txt")).to.equal(
      "changed",
    );
    expect(await rig.readAttempt(task, "stderr.log")).to.equal("odd\n");
    const [hello, where] = (await rig.readAttempt(task, "stdout.log")).split("\n");
    expect(hello).to.equal("hello");
    expect(where).to.match(/worker-1\/workspace$/);
    await until(() => rig.hasAcknowledged(task));
    const stages = rig.heartbeats.flatMap(({ stage }) => (stage === null ? [] : [stage]));
    const course = ["workspace", "running", "ending", "saving"];
    expect([...new Set(stages)], "some may be over too soon").to.deep.equal(
      course.filter((stage) => stages.some((told) => told === stage)),
    );
    expect(stages).to.include("workspace");
    const record: unknown = JSON.parse(await rig.readAttempt(task, "attempt.json"));
    expect(record).to.deep.include({
      version: 1,
      task: "t1",
      attempt: 1,
      fence: 11,
      worker: "worker-1",
    });
    expect(record).to.have.property("base", saved?.base);
  });

  it("starts the next one from the new tip, with nothing left of the one before", async () => {
    await using rig = await startedRig();
    const first = shellTask(
      "t1",
      "echo x > a.txt; echo y > new.txt; git commit -qam x; rm -rf .git",
    );
    rig.assign(first);
    const saved = savedOf(await rig.reportOf(first));
    await rig.person.git("merge", "-q", "--ff-only", saved?.commit ?? "");
    const second = shellTask(
      "t2",
      "cat a.txt; git status --porcelain; git log --format=%s | wc -l",
    );
    rig.assign(second);
    expect((await rig.reportOf(second)).outcome).to.deep.equal({ result: "done", saved: null });
    expect(await rig.readAttempt(second, "stdout.log")).to.equal("x\n2\n");
  });

  it("gives the program an environment of listed variables only", async () => {
    await using rig = await makeRig();
    rig.start({ GITHUB_TOKEN: "leak", ORCHD_ATTEMPT: "outer" });
    await rig.hello();
    const task = {
      ...shellTask("t1", "env; [ -d $TMPDIR ] && touch $TMPDIR/x", {
        env: { GIVEN: "1" },
        secrets: ["KEY"],
      }),
      secrets: { KEY: "s3cret" },
    };
    rig.assign(task);
    expect((await rig.reportOf(task)).outcome).to.deep.equal({ result: "done", saved: null });
    const lines = (await rig.readAttempt(task, "stdout.log")).trim().split("\n");
    const env = new Map(
      lines.map((line) => [line.split("=")[0] ?? "", line.slice(line.indexOf("=") + 1)]),
    );
    expect(
      [...env.keys()].filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name)),
    ).to.have.members([
      "GIVEN",
      "KEY",
      "PATH",
      "HOME",
      "LANG",
      "TERM",
      "TMPDIR",
      "GIT_CEILING_DIRECTORIES",
      "ORCHD_TASK",
      "ORCHD_ATTEMPT",
      "ORCHD_ATTEMPT_NUMBER",
      "ORCHD_WORKER",
    ]);
    expect(env.get("ORCHD_ATTEMPT")).to.match(/^t1\.1@[0-9a-f]{12}$/);
    expect(existsSync(env.get("TMPDIR") ?? "/")).to.equal(false);
    for (const name of ["attempt.json", "outcome.json"])
      expect(await rig.readAttempt(task, name)).not.to.contain("s3cret");
  });

  it("tells the program what sent its task back, and where its earlier work is", async () => {
    await using rig = await startedRig();
    const commit = (await rig.person.git("rev-parse", "HEAD")) as Oid;
    const ref = "refs/orchd/attempts/t1/1";
    const script = [
      'cat "$ORCHD_GATE_OUTPUT"; stat -c %a "$ORCHD_GATE_OUTPUT"',
      'echo "$ORCHD_GATE_COMMAND"; echo "$ORCHD_PREVIOUS_REF"',
      'git show "$ORCHD_PREVIOUS_COMMIT:a.txt"',
    ].join("; ");
    const red = { command: ["npm", "test"] as const, output: "1 failing\nnaïve\n" };
    const task = { ...shellTask("t1", script), earlier: { work: { commit, ref }, red } };
    rig.assign(task);
    await rig.reportOf(task);
    const said = (await rig.readAttempt(task, "stdout.log")).split("\n");
    expect(said).to.deep.equal(["1 failing", "naïve", "600", "npm test", ref, "a", ""]);
    expect(await rig.readAttempt(task, "gate-output.log")).to.equal(red.output);
  });

  it("tells how a program ended, and saves its work all the same", async () => {
    await using rig = await startedRig();
    const exit = shellTask("t1", "echo x > a.txt; exit 3");
    const signal = shellTask("t2", "kill -SEGV $$");
    const absent = shellTask("t3", "", { work: { kind: "run", argv: ["no-such-program"] } });
    const nowhere = shellTask("t4", "true", { cwd: "missing" });
    for (const task of [exit, signal, absent, nowhere]) {
      rig.assign(task);
      await rig.reportOf(task);
    }
    const [first, second, third, fourth] = rig.reports.map(({ outcome }) => outcome);
    expect(first).to.deep.include({ result: "failed", failure: { kind: "exit", exit_code: 3 } });
    expect(first).to.have.nested.property("saved.touched").that.deep.equals(["a.txt"]);
    expect(second).to.deep.equal({
      result: "failed",
      failure: { kind: "signal", signal: "SIGSEGV" },
      saved: null,
    });
    expect(third).to.have.nested.property("failure.kind", "not_started");
    expect(third).to.have.nested.property("failure.message").that.contains("no-such-program");
    expect(fourth).to.have.nested.property(
      "failure.message",
      "cwd: there is no folder missing at the base",
    );
  });

  it("does not follow a link out of the workspace", async () => {
    await using rig = await makeRig();
    await symlink("/tmp", join(rig.person.dir, "out"));
    await rig.person.commit("A link");
    rig.start();
    await rig.hello();
    const task = shellTask("t1", "pwd", { cwd: "out" });
    rig.assign(task);
    const { outcome } = await rig.reportOf(task);
    expect(outcome).to.have.nested.property(
      "failure.message",
      "cwd: out leads out of the repository",
    );
  });

  it("ends a whole family of processes when the time is over, and saves before it reports", async () => {
    await using rig = await startedRig({ limits: { grace_ms: 200 } });
    const script =
      "echo x > a.txt; trap '' TERM; (setsid sh -c 'trap \"\" TERM; while :; do sleep 0.05; date +%N > b.tmp; done' &) ; sleep 60";
    const task = shellTask("t1", script, { timeout_ms: 500 });
    rig.assign(task);
    const { outcome } = await rig.reportOf(task);
    expect(outcome).to.deep.include({
      result: "failed",
      failure: { kind: "timeout", timeout_ms: 500 },
    });
    expect(outcome).to.have.nested.property("saved.touched").that.deep.equals(["a.txt", "b.tmp"]);
  });

  it("ends a program that prints more than it may", async () => {
    await using rig = await startedRig({ limits: { output_bytes: 1000, grace_ms: 100 } });
    const task = shellTask("t1", "head -c 5000 /dev/zero; sleep 60");
    rig.assign(task);
    const { outcome } = await rig.reportOf(task);
    expect(outcome).to.deep.include({ failure: { kind: "output_limit", limit_bytes: 1000 } });
  });

  it("ends on request, with its work saved", async () => {
    await using rig = await startedRig();
    const task = shellTask("t1", "echo x > a.txt; echo ready; sleep 60");
    rig.assign(task);
    await until(() => rig.heartbeats.some(({ last_line }) => last_line === "ready"));
    rig.notify("worker.cancel", { task: "t1", attempt: 1, fence: 99, reason: "cancelled" });
    rig.notify("worker.cancel", { task: "t1", attempt: 1, fence: 11, reason: "cancelled" });
    const { outcome } = await rig.reportOf(task);
    expect(outcome.result).to.equal("ended");
    expect(outcome).to.have.nested.property("saved.touched").that.deep.equals(["a.txt"]);
  });

  it("runs a task without workspace in the repository's own working tree and saves nothing", async () => {
    await using rig = await startedRig();
    const task = shellTask("t1", "pwd; echo x > note.log", { workspace: "none", cwd: "dir" });
    rig.assign(task);
    expect((await rig.reportOf(task)).outcome).to.deep.equal({ result: "done", saved: null });
    expect(await rig.readAttempt(task, "stdout.log")).to.equal(`${rig.person.dir}/dir\n`);
    expect(existsSync(join(rig.person.dir, "dir/note.log"))).to.equal(true);
  });

  it("works on when .aibrain is deleted under it", async () => {
    await using rig = await startedRig();
    const task = shellTask(
      "t1",
      "echo ready; while [ ! -e go.log ]; do sleep 0.1; done; echo x > a.txt",
    );
    rig.assign(task);
    await until(() => rig.heartbeats.some(({ last_line }) => last_line === "ready"));
    const workspace = join(rig.stateFolder, "workspace");
    const inside = await readFile(join(workspace, "a.txt"), "utf8");
    expect(inside).to.equal("a\n");
    const go = join(rig.settings.config.workspace.root ?? "", "worker-1/workspace/go.log");
    await rm(join(rig.person.dir, ".aibrain"), { recursive: true });
    await writeFile(go, "");
    const { outcome } = await rig.reportOf(task);
    expect(outcome).to.have.nested.property("saved.touched").that.deep.equals(["a.txt"]);
    expect(JSON.parse(await rig.readAttempt(task, "outcome.json"))).to.deep.include({ task: "t1" });
  });

  it("answers a batch of instants in one notification", async () => {
    await using rig = await startedRig();
    const keys = Array.from({ length: 64 }, (_, i) => ({
      task: `i${i}` as TaskId,
      attempt: 1,
      fence: i,
    }));
    rig.assign(...keys.map((key) => ({ kind: "instant" as const, ...key })));
    await until(() => rig.reports.length >= 64);
    expect(rig.reports.map(({ task }) => task)).to.deep.equal(keys.map(({ task }) => task));
    expect(rig.reports[5]?.outcome).to.deep.equal({ result: "done", saved: null });
  });
});

describe("preparing a workspace", () => {
  it("runs setup once, again when an input changes at the base, and again after it failed", async () => {
    const setup = [["sh", "-c", "echo ran >> installed; [ ! -e fail ]"]] as const;
    await using rig = await startedRig({
      workspace: { setup, setup_inputs: ["lock.json", "dir/*.txt"] },
    });
    const runs = async (id: string): Promise<string | Outcome> => {
      const task = shellTask(id, "wc -l < installed");
      rig.assign(task);
      const { outcome } = await rig.reportOf(task);
      return outcome.result === "done"
        ? (await rig.readAttempt(task, "stdout.log")).trim()
        : outcome;
    };
    expect(await runs("t1")).to.equal("1");
    expect(await runs("t2")).to.equal("1");
    await rig.person.write("a.txt", "not an input\n");
    await rig.person.commit("Other");
    expect(await runs("t3")).to.equal("1");
    await rig.person.write("dir/b.txt", "an input\n");
    await rig.person.write("fail", "");
    await rig.person.commit("Input");
    const broken = await runs("t4");
    expect(broken).to.deep.include({ result: "failed", saved: null });
    expect(broken).to.have.nested.property("failure.kind", "setup");
    expect(broken).to.have.nested.property("failure.message").that.contains("exit code 1");
    await rig.person.git("rm", "-q", "fail");
    await rig.person.commit("Mend");
    expect(await runs("t5")).to.equal("3");
    expect(await runs("t6")).to.equal("3");
  });

  it("copies ignored files with their permissions, and never lets them into a save", async () => {
    await using rig = await makeRig({
      workspace: { copy: [".env*", "dir/**", "a.txt", "linked"] },
    });
    await rig.person.write(".env", "SECRET=1\n");
    await chmod(join(rig.person.dir, ".env"), 0o600);
    await rig.person.write(".env.local", "only excluded by the person\n");
    await rig.person.write("dir/deep/x.log", "deep\n");
    await rig.person.write("dir/untracked.txt", "not ignored\n");
    await rig.person.write("a.txt", "the person's edit\n");
    await symlink("/etc/hostname", join(rig.person.dir, "linked"));
    await mkdir(join(rig.person.dir, ".git/info"), { recursive: true });
    const global = join(dirname(rig.person.dir), "home/ignore");
    await writeFile(global, ".env.local\nlinked\n");
    await rig.person.git("config", "--global", "core.excludesFile", global);
    rig.start();
    await rig.hello();
    const task = shellTask("t1", "cat .env .env.local dir/deep/x.log a.txt; ls dir linked");
    rig.assign(task);
    const report = await rig.reportOf(task);
    expect(await rig.readAttempt(task, "stdout.log")).to.equal(
      "SECRET=1\nonly excluded by the person\ndeep\na\ndir:\nb.txt\ndeep\n",
    );
    expect(report.outcome).to.deep.include({ result: "failed", saved: null });
    const copy = join(rig.settings.config.workspace.root ?? "", "worker-1/workspace/.env");
    expect((await stat(copy)).mode & 0o777).to.equal(0o600);
  });
});

describe("a gate", () => {
  it("is green when every command is, in a workspace of exactly the candidate", async () => {
    await using rig = await startedRig();
    const candidate = (await rig.person.git("rev-parse", "HEAD")) as Oid;
    const gate = {
      kind: "gate" as const,
      task: "t1" as TaskId,
      attempt: 1,
      fence: 5,
      candidate,
      timeout_ms: 5_000,
      commands: [
        ["git", "rev-parse", "HEAD"],
        ["test", "-e", "a.txt"],
      ] as const,
    };
    rig.assign(gate);
    expect((await rig.reportOf(gate)).outcome).to.deep.equal({ result: "gate_green" });
    expect(await rig.readAttempt(gate, "gate.log")).to.equal(`${candidate}\n`);
  });

  it("is red with the end of what the failed command printed, and runs no further one", async () => {
    await using rig = await startedRig();
    const candidate = (await rig.person.git("rev-parse", "HEAD")) as Oid;
    const red = ["sh", "-c", "printf '%09000d' 7; echo broken; exit 2"] as const;
    const gate = {
      kind: "gate" as const,
      task: "t1" as TaskId,
      attempt: 1,
      fence: 5,
      candidate,
      timeout_ms: 5_000,
      commands: [["echo", "first"], red, ["echo", "never"]] as const,
    };
    rig.assign(gate);
    const { outcome } = await rig.reportOf(gate);
    if (outcome.result !== "gate_red") throw new Error(outcome.result);
    expect(outcome.command).to.deep.equal(red);
    expect(outcome.failure).to.deep.equal({ kind: "exit", exit_code: 2 });
    expect(outcome.output)
      .to.have.length(4000)
      .and.to.match(/07broken\n$/);
    expect(await rig.readAttempt(gate, "gate.log")).not.to.contain("never");
  });

  it("is red when its time is over", async () => {
    await using rig = await startedRig({ limits: { grace_ms: 100 } });
    const candidate = (await rig.person.git("rev-parse", "HEAD")) as Oid;
    const gate = {
      kind: "gate" as const,
      task: "t1" as TaskId,
      attempt: 1,
      fence: 5,
      candidate,
      timeout_ms: 300,
      commands: [["sleep", "60"]] as const,
    };
    rig.assign(gate);
    expect((await rig.reportOf(gate)).outcome).to.deep.include({
      result: "gate_red",
      failure: { kind: "timeout", timeout_ms: 300 },
    });
  });
});
