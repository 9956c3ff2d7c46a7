import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import type { Report } from "../../../ipc/workerMessages.ts";
import { isGone } from "../../helpers/processes.ts";
import { until } from "../../helpers/until.ts";
import { shellTask } from "./fakeSupervisor.ts";
import type { FakeSupervisor } from "./fakeSupervisor.ts";
import { savedOf, startedRig } from "./rig.ts";

async function script(path: string, text: string, first = "#!/bin/sh\n"): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${first}${text}\n`);
  await chmod(path, 0o755);
}

/** In the repository's own `hooks`. */
async function hook(rig: FakeSupervisor, name: string, text: string): Promise<void> {
  await script(join(rig.person.dir, ".git/hooks", name), text);
}

async function run(
  rig: FakeSupervisor,
  id: string,
  shell: string,
  change: Parameters<typeof shellTask>[2] = {},
): Promise<Report> {
  const task = shellTask(id, shell, change);
  rig.assign(task);
  return await rig.reportOf(task);
}

async function savedFile(rig: FakeSupervisor, report: Report, path: string): Promise<string> {
  return await rig.person.git("cat-file", "-p", `${savedOf(report)?.commit}:${path}`);
}

describe("a pre-commit hook", () => {
  it("runs in the workspace when the work is saved, sees all of it staged, and has no secrets", async () => {
    await using rig = await startedRig();
    await hook(
      rig,
      "pre-commit",
      "pwd; git diff --cached --name-status; git status --porcelain; env; touch $TMPDIR/left",
    );
    const shell =
      "echo x > a.txt; git commit -qam own; rm dir/b.txt; echo y > new.txt; rm -rf .git";
    const task = {
      ...shellTask("t1", shell, { secrets: ["KEY"], env: { GIVEN: "1" } }),
      secrets: { KEY: "s3cret" },
    };
    rig.assign(task);
    const report = await rig.reportOf(task);
    expect(report.outcome.result).to.equal("done");
    const said = await rig.readAttempt(task, "stdout.log");
    expect(said).to.match(
      /worker-1\/workspace\nM\ta.txt\nD\tdir\/b.txt\nA\tnew.txt\nM  a.txt\nD  dir/,
    );
    expect(said).to.include("GIVEN=1");
    expect(said).to.match(/^ORCHD_ATTEMPT=t1\.1@/m);
    expect(said).to.not.include("s3cret");
    const tmp = /^TMPDIR=(.*)$/m.exec(said)?.[1] ?? "";
    expect(existsSync(tmp)).to.equal(false);
    expect(await rig.person.git("rev-parse", `${savedOf(report)?.commit}^`)).to.equal(
      await rig.person.git("rev-parse", "main"),
    );
  });

  it("that formats has its changes land, on top of what was saved before", async () => {
    await using rig = await startedRig();
    await hook(rig, "pre-commit", "sed -i 's/x/X/' a.txt; git add a.txt; echo more > made.txt");
    const report = await run(rig, "t1", "echo x > a.txt");
    expect(report.outcome.result).to.equal("done");
    expect(savedOf(report)).to.deep.include({ touched: ["a.txt", "made.txt"], descends: true });
    expect(await savedFile(rig, report, "a.txt")).to.equal("X");
    expect(await rig.person.git("cat-file", "-p", "refs/orchd/attempts/t1/1:a.txt")).to.equal("X");
    expect(await rig.person.git("cat-file", "-p", "refs/orchd/attempts/t1/1^:a.txt")).to.equal("x");
  });

  it("that fails because it changed files is run once more on them, as a person would", async () => {
    await using rig = await startedRig();
    await hook(
      rig,
      "pre-commit",
      "if grep -q x a.txt; then sed -i 's/x/X/' a.txt; exit 1; fi; git diff --cached",
    );
    const report = await run(rig, "t1", "echo x > a.txt");
    expect(report.outcome.result).to.equal("done");
    expect(await savedFile(rig, report, "a.txt")).to.equal("X");
    expect(await rig.readAttempt(report, "stdout.log"), "it is staged").to.include("+X");
  });

  it("that fails fails the attempt, with its words, and takes nothing of the work", async () => {
    await using rig = await startedRig();
    await hook(rig, "pre-commit", "rm -rf * .git; echo lint: no >&2; exit 3");
    const report = await run(rig, "t1", "echo x > a.txt");
    expect(report.outcome).to.deep.include({
      result: "failed",
      failure: { kind: "hook", hook: "pre-commit", message: "exit code 3\nlint: no" },
    });
    expect(await savedFile(rig, report, "a.txt")).to.equal("x");
    expect(await rig.readAttempt(report, "stdout.log")).to.include("lint: no");
    await hook(rig, "pre-commit", "exit 0");
    const next = await run(rig, "t2", "cat a.txt dir/b.txt");
    expect(next.outcome).to.deep.equal({ result: "done", saved: null });
  });

  it("that hangs is ended with what it started", async () => {
    await using rig = await startedRig({ limits: { hook_timeout_ms: 300, grace_ms: 200 } });
    await hook(
      rig,
      "pre-commit",
      "trap '' TERM; setsid sleep 600 & echo $! > \"$0.pid\"; sleep 600",
    );
    const report = await run(rig, "t1", "echo x > a.txt");
    expect(report.outcome).to.have.nested.property("failure.message", "not done after 300 ms");
    const pid = Number(readFileSync(join(rig.person.dir, ".git/hooks/pre-commit.pid"), "utf8"));
    await until(() => isGone(pid), { what: "what the hook started to be gone" });
  });

  it("that puts a link to the person's repository in place of the workspace or its git does them no harm", async () => {
    await using rig = await startedRig();
    const { dir } = rig.person;
    await hook(rig, "pre-commit", `cd ..; mv workspace gone; ln -s '${dir}' workspace`);
    await hook(rig, "commit-msg", "exit 0");
    const head = await rig.person.git("rev-parse", "HEAD");
    const swapped = await run(rig, "t1", "echo x > a.txt");
    expect(swapped.outcome)
      .to.have.nested.property("failure.message")
      .that.includes("not a folder");
    expect(await savedFile(rig, swapped, "a.txt")).to.equal("x");
    await hook(rig, "pre-commit", `rm -rf .git; ln -s '${dir}/.git' .git`);
    const linked = await run(rig, "t2", "echo y > a.txt");
    expect(linked.outcome.result).to.equal("done");
    expect(await rig.person.git("rev-parse", "HEAD")).to.equal(head);
    expect(await rig.person.git("status", "--porcelain", "-uno")).to.equal("");
    expect(readFileSync(join(dir, ".git/COMMIT_EDITMSG"), "utf8")).to.not.include("t2");
    await hook(rig, "pre-commit", 'ln -sf "$HOME/stolen" .git/COMMIT_EDITMSG');
    expect((await run(rig, "t3", "echo z > a.txt")).outcome.result).to.equal("done");
    expect(existsSync(join(rig.person.env["HOME"] ?? "", "stolen"))).to.equal(false);
  });

  it("is ended when the attempt is cancelled", async () => {
    await using rig = await startedRig({ limits: { grace_ms: 200 } });
    await hook(rig, "pre-commit", "sleep 600");
    const task = shellTask("t1", "echo x > a.txt");
    rig.assign(task);
    await rig.stage("hooks");
    const { attempt, fence } = task;
    rig.notify("worker.cancel", { task: "t1", attempt, fence, reason: "cancelled" });
    const report = await rig.reportOf(task);
    expect(report.outcome.result).to.equal("ended");
    expect(await savedFile(rig, report, "a.txt")).to.equal("x");
  });

  it("is the one that the person's git would run: also of husky, of a global folder, without a first line", async () => {
    await using rig = await startedRig();
    const { person } = rig;
    await person.git("config", "core.hooksPath", ".husky/_");
    await script(join(person.dir, ".husky/_/pre-commit"), '. "$(dirname "$0")/h"');
    await writeFile(join(person.dir, ".husky/_/h"), 'echo "husky $(basename "$0") in $PWD"\n');
    await writeFile(join(person.dir, ".husky/_/.gitignore"), "*\n");
    const first = await run(rig, "t1", "echo x > a.txt");
    expect(await rig.readAttempt(first, "stdout.log")).to.match(
      /^husky pre-commit in .*\/workspace$/m,
    );
    const planted =
      "mkdir -p .husky/_; printf 'echo of the tree' > .husky/_/pre-commit; chmod +x .husky/_/pre-commit";
    const second = await run(rig, "t2", planted);
    expect(await rig.readAttempt(second, "stdout.log")).to.equal("of the tree\n");
    await person.git("config", "--unset", "core.hooksPath");
    await person.git("config", "--global", "core.hooksPath", "~/hooks");
    const home = join(person.env["HOME"] ?? "", "hooks");
    await script(join(home, "pre-commit"), "echo global", "");
    const third = await run(rig, "t3", "echo x > a.txt");
    expect(await rig.readAttempt(third, "stdout.log")).to.equal("global\n");
    await chmod(join(home, "pre-commit"), 0o644);
    const fourth = await run(rig, "t4", "echo x > a.txt");
    expect(await rig.readAttempt(fourth, "stdout.log")).to.equal("");
  });

  it("does not run on what failed or changed nothing, nor when orchd.yaml says so", async () => {
    await using rig = await startedRig();
    await hook(rig, "pre-commit", "exit 1");
    const failed = await run(rig, "t1", "echo x > a.txt; exit 4");
    expect(failed.outcome).to.have.nested.property("failure.kind", "exit");
    expect((await run(rig, "t2", "true")).outcome).to.deep.equal({ result: "done", saved: null });
    await using other = await startedRig({ commit: { hooks: "off" } });
    await hook(other, "pre-commit", "exit 1");
    expect((await run(other, "t1", "echo x > a.txt")).outcome.result).to.equal("done");
  });
});

describe("a commit-msg hook", () => {
  const trailers = { "Reviewed-by": "Ada <a@b>" };

  it("sees the message with its trailers, and what it makes of it is reported", async () => {
    await using rig = await startedRig({ commit: { template: "{title}\n\n# literal", trailers } });
    await hook(
      rig,
      "commit-msg",
      'cat "$1"; echo; printf "ABC-1 %s\\n\\nOrchd-Task: other" "$(cat "$1")" > "$1"',
    );
    const report = await run(rig, "t1", "echo x > a.txt", { title: "The task" });
    const text = "The task\n\n# literal\n\nReviewed-by: Ada <a@b>";
    expect(await rig.readAttempt(report, "stdout.log")).to.equal(`${text}\n\n`);
    expect(savedOf(report)?.message).to.equal(`ABC-1 ${text}`);
  });

  it("leaves the message to the task when it changes nothing", async () => {
    await using rig = await startedRig({ commit: { trailers } });
    await hook(rig, "commit-msg", 'test -f "$1"');
    const report = await run(rig, "t1", "echo x > a.txt");
    expect(report.outcome.result).to.equal("done");
    expect(savedOf(report)).to.not.have.property("message");
  });

  it("sees what the agent's own commit says", async () => {
    await using rig = await startedRig({ commit: { message: "agent" } });
    await hook(rig, "commit-msg", 'sed -i "s/Mine/Ours/" "$1"');
    const report = await run(rig, "t1", "echo x > a.txt; git commit -qam Mine");
    expect(savedOf(report)?.message).to.equal("Ours");
  });

  it("fails the attempt when it fails, leaves nothing, or no file", async () => {
    await using rig = await startedRig();
    const messages: unknown[] = [];
    for (const [at, text] of [
      "exit 1",
      ': > "$1"',
      'rm "$1"; mkfifo "$1"',
      'ln -sf /etc/passwd "$1"',
    ].entries()) {
      await hook(rig, "commit-msg", text);
      const { outcome } = await run(rig, `t${at}`, "echo x > a.txt");
      messages.push(outcome.result === "failed" && outcome.failure);
    }
    const of = (message: string) => ({ kind: "hook", hook: "commit-msg", message });
    const empty = of("it left an empty message");
    expect(messages).to.deep.equal([of("exit code 1"), empty, empty, empty]);
  });
});
