import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../helpers/until.ts";
import { isGone } from "../../helpers/processes.ts";
import type { GenerationRule, Outcome } from "../../../ipc/workerMessages.ts";
import type { Oid, TaskId } from "../../../ipc/ids.ts";
import { startedRig } from "./rig.ts";
import type { FakeSupervisor } from "./fakeSupervisor.ts";

const rule = (script: string, paths = ["lock.json"], timeout_ms = 20_000): GenerationRule => ({
  paths,
  run: ["sh", "-c", script],
  timeout_ms,
});

let fences = 0;

async function assignment(rig: FakeSupervisor, ...rules: GenerationRule[]) {
  const commit = (await rig.person.git("rev-parse", "HEAD")) as Oid;
  fences += 1;
  const key = { task: "t1" as TaskId, attempt: fences, fence: fences };
  return { kind: "generate", commit, rules, ...key } as const;
}

async function generate(rig: FakeSupervisor, ...rules: GenerationRule[]): Promise<Outcome> {
  const assigned = await assignment(rig, ...rules);
  rig.assign(assigned);
  return (await rig.reportOf(assigned)).outcome;
}

function treeOf(outcome: Outcome): Oid {
  if (outcome.result !== "generated") throw new Error(JSON.stringify(outcome));
  return outcome.tree;
}

describe("making generated files", () => {
  it("gives the commit's tree with exactly those files, pinned, and tells what else was changed", async () => {
    await using rig = await startedRig();
    const script =
      "cat a.txt > lock.json; echo changed > a.txt; rm dir/b.txt; mkdir more; echo x > more/x; echo ign > x.log";
    const outcome = await generate(rig, rule(script));
    const tree = treeOf(outcome);
    expect(outcome).to.deep.include({ others: ["a.txt", "dir/b.txt", "more/x"] });
    const diff = await rig.person.git("diff-tree", "-r", "--name-status", "HEAD", tree);
    expect(diff).to.equal("A\tlock.json");
    expect(await rig.person.git("show", `${tree}:lock.json`)).to.equal("a");
    expect(await rig.person.git("rev-parse", "refs/orchd/generated/t1^{tree}")).to.equal(tree);
  });

  it("takes new, changed and removed files of several rules, run in their order", async () => {
    await using rig = await startedRig();
    const outcome = await generate(
      rig,
      rule("echo first > lock.json"),
      rule("rm dir/b.txt; cat lock.json > dir/made.txt", ["dir/**"]),
    );
    const diff = await rig.person.git("diff-tree", "-r", "--name-status", "HEAD", treeOf(outcome));
    expect(diff.split("\n")).to.deep.equal(["D\tdir/b.txt", "A\tdir/made.txt", "A\tlock.json"]);
    expect(outcome).to.deep.include({ others: [] });
    expect(await rig.person.git("show", `${treeOf(outcome)}:dir/made.txt`)).to.equal("first");
  });

  it("means by a name without wildcards that file, and nothing below a folder of that name", async () => {
    await using rig = await startedRig();
    const outcome = await generate(
      rig,
      rule("echo x > dir/b.txt; echo y > lock.json", ["dir", "lock.json"]),
    );
    const diff = await rig.person.git("diff-tree", "-r", "--name-only", "HEAD", treeOf(outcome));
    expect(diff).to.equal("lock.json");
  });

  it("is without setup, which the next gate run then finds due", async () => {
    const setup = [["sh", "-c", "echo set up > installed"]] as const;
    await using rig = await startedRig({ workspace: { setup } });
    const outcome = await generate(rig, rule("test ! -e installed && echo bare > lock.json"));
    expect(await rig.person.git("show", `${treeOf(outcome)}:lock.json`)).to.equal("bare");
    const { commit, rules: _rules, ...key } = await assignment(rig);
    const commands = [["test", "-e", "installed"]] as const;
    const gate = { ...key, kind: "gate" as const, candidate: commit, commands, timeout_ms: 20_000 };
    rig.assign(gate);
    expect((await rig.reportOf(gate)).outcome).to.deep.equal({ result: "gate_green" });
  });

  it("fails with the end of what was printed, and runs no further command", async () => {
    await using rig = await startedRig();
    const outcome = await generate(
      rig,
      rule("echo 'no net' >&2; exit 7"),
      rule("echo never > lock.json"),
    );
    expect(outcome).to.deep.include({
      result: "gate_red",
      failure: { kind: "exit", exit_code: 7 },
      output: "no net\n",
    });
  });

  it("is ended with everything it started when its time is over", async () => {
    await using rig = await startedRig({ limits: { grace_ms: 100 } });
    const file = join(rig.person.dir, "..", "child");
    const script = `sleep 300 & echo $! > ${file}; trap '' TERM; sleep 300`;
    const outcome = await generate(rig, rule(script, ["lock.json"], 1_000));
    expect(outcome).to.deep.include({
      result: "gate_red",
      failure: { kind: "timeout", timeout_ms: 1_000 },
    });
    const pid = Number(readFileSync(file, "utf8"));
    await until(() => isGone(pid), { what: "the child to be gone" });
  });
});
