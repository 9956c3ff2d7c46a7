import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "chai";
import type { Report } from "../../../ipc/workerMessages.ts";
import type { FakeSupervisor } from "./fakeSupervisor.ts";
import { shellTask } from "./fakeSupervisor.ts";
import { makeRig, savedOf } from "./rig.ts";

const allow = ["-c", "protocol.file.allow=always"];

/** A repository whose submodule `sub` has the file `s.txt`. */
async function rigWithSubmodule(): Promise<FakeSupervisor> {
  const rig = await makeRig();
  const { person } = rig;
  const upstream = join(person.dir, "..", "upstream");
  execFileSync("git", ["clone", "-q", person.dir, upstream], { env: person.env });
  await person.git(...allow, "submodule", "--quiet", "add", upstream, "sub");
  await person.commit("A submodule");
  rig.start();
  await rig.hello();
  return rig;
}

async function reportOf(rig: FakeSupervisor, id: string, script: string): Promise<Report> {
  const task = shellTask(id, script);
  rig.assign(task);
  return await rig.reportOf(task);
}

function refusalIn({ outcome }: Report): string {
  if (outcome.result !== "failed" || outcome.failure.kind !== "unlandable")
    throw new Error(`not refused: ${JSON.stringify(outcome)}`);
  return outcome.failure.message;
}

const fetchSub = `git ${allow.join(" ")} submodule --quiet update --init`;

describe("a repository with submodules", () => {
  it("has them as empty folders in each workspace, and work that leaves them alone lands", async () => {
    await using rig = await rigWithSubmodule();
    const first = await reportOf(rig, "t1", `ls sub; ${fetchSub} && ls sub; echo x >> a.txt`);
    expect(first.outcome.result, JSON.stringify(first.outcome)).to.equal("done");
    expect(savedOf(first)?.touched).to.deep.equal(["a.txt"]);
    const printed = await rig.readAttempt({ task: first.task, attempt: 1 }, "stdout.log");
    expect(printed.split("\n")).to.deep.equal(["a.txt", "dir", ""]);
    const second = await reportOf(rig, "t2", "ls -A sub; git status --porcelain");
    expect(second.outcome.result, JSON.stringify(second.outcome)).to.equal("done");
    expect(await rig.readAttempt({ task: second.task, attempt: 1 }, "stdout.log")).to.equal("");
  });

  it("does not get one moved to a commit that nobody else has", async () => {
    await using rig = await rigWithSubmodule();
    const script = `${fetchSub} && cd sub && echo x > new && git add new && git commit -qm new`;
    const report = await reportOf(rig, "t1", script);
    expect(refusalIn(report)).to.contain("moves the submodule sub to");
    expect(savedOf(report)?.touched).to.deep.equal(["sub"]);
  });

  it("gets one moved to a commit that the person has", async () => {
    await using rig = await rigWithSubmodule();
    const sub = join(rig.person.dir, "sub");
    const git = (...args: string[]): string =>
      execFileSync("git", args, { cwd: sub, env: rig.person.env, encoding: "utf8" }).trim();
    git("commit", "-q", "--allow-empty", "-m", "newer");
    const newer = git("rev-parse", "HEAD");
    git("checkout", "-q", "HEAD~1");
    const script = `${fetchSub} && cd sub && git fetch -q '${sub}' ${newer} && git checkout -q ${newer}`;
    const report = await reportOf(rig, "t1", script);
    expect(report.outcome.result, JSON.stringify(report.outcome)).to.equal("done");
    expect(savedOf(report)?.touched).to.deep.equal(["sub"]);
  });

  it("gets no new one from an agent", async () => {
    await using rig = await rigWithSubmodule();
    const script = `git ${allow.join(" ")} submodule --quiet add ../../../../upstream other || git ${allow.join(" ")} submodule --quiet add '${join(rig.person.dir, "..", "upstream")}' other`;
    const report = await reportOf(rig, "t1", script);
    expect(refusalIn(report)).to.contain("adds the submodule other");
  });
});

describe("a repository with files in Git LFS", () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 9\n`;

  it("has their pointers in a workspace, and lands pointers, not contents", async () => {
    await using rig = await makeRig();
    await rig.person.write(".gitattributes", "*.big filter=lfs diff=lfs merge=lfs -text\n");
    await rig.person.write("x.big", pointer);
    await rig.person.commit("LFS");
    rig.start();
    await rig.hello();
    const first = await reportOf(rig, "t1", "cat x.big; cp x.big y.big; echo x >> a.txt");
    expect(first.outcome.result).to.equal("done");
    expect(savedOf(first)?.touched).to.deep.equal(["a.txt", "y.big"]);
    expect(await rig.readAttempt({ task: first.task, attempt: 1 }, "stdout.log")).to.equal(pointer);
    const second = await reportOf(rig, "t2", "echo content > x.big");
    expect(refusalIn(second)).to.contain("x.big, which belongs to Git LFS");
  });

  for (const [where, file, lines, change] of [
    [
      "a folder above it",
      "media/.gitattributes",
      "*.big filter=lfs\n",
      "echo c > media/deep/x.big",
    ],
    [
      "the repository's own info/attributes",
      ".git/info/attributes",
      "*.big filter=lfs\n",
      "echo c > x.big",
    ],
    [
      "a macro of the root",
      ".gitattributes",
      "[attr]large filter=lfs\n",
      "echo '*.big large' > dir/.gitattributes; echo c > dir/x.big",
    ],
  ] as const)
    it(`lands no content of a file that is given to LFS by ${where}`, async () => {
      await using rig = await makeRig();
      await rig.person.write("media/deep/y.txt", "y\n");
      await rig.person.write(file, lines);
      await rig.person.commit("LFS");
      rig.start();
      await rig.hello();
      const refused = await reportOf(rig, "t1", change);
      expect(refusalIn(refused)).to.contain("x.big, which belongs to Git LFS");
      const other = await reportOf(rig, "t2", "echo x >> a.txt");
      expect(other.outcome.result).to.equal("done");
    });
});
