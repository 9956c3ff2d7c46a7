import { expect } from "chai";
import { makeRepository } from "../../helpers/repository.ts";
import { makeSupervised, runOrchd, supervisorPid } from "../../helpers/supervised.ts";
import type { Failure } from "../../../ipc/errors.ts";
import type { Finding } from "../../../cli/doctor/finding.ts";
import type { Ran } from "../../helpers/commandLine.ts";
import type { TestRepository } from "../../helpers/repository.ts";

/** Runs a command with a PATH that leads to no program at all. */
async function orchdWithoutGit(repository: TestRepository, words: readonly string[]): Promise<Ran> {
  const env = { ...repository.env, PATH: "/nowhere" };
  return await runOrchd({ ...repository, env }, words);
}

describe("the command line where there is no git", function () {
  this.timeout(60_000);

  for (const words of ["init", "start", "config check", "land --resolved t1"])
    it(`says what is missing at \`orchd ${words}\``, async () => {
      await using repository = await makeRepository();
      const { code, stderr } = await orchdWithoutGit(repository, [...words.split(" "), "--json"]);
      const { error } = JSON.parse(stderr) as { error: Failure };
      expect(error.message).to.include("git could not be started");
      expect(error.hint).to.equal(
        "Install git 2.38 or newer, and make sure that PATH leads to it.",
      );
      expect(code).to.equal(5);
    });

  it("has `orchd doctor` name it as the problem", async () => {
    await using repository = await makeRepository();
    const { code, stdout } = await orchdWithoutGit(repository, ["doctor", "--json"]);
    const { checks } = JSON.parse(stdout) as { checks: Finding[] };
    const problems = checks.filter(({ level }) => level === "problem");
    expect(problems.map(({ message }) => message)).to.deep.equal(["git cannot be run."]);
    expect(code).to.equal(1);
  });

  for (const words of [["restart"], ["start", "--replace"]])
    it(`does not end a supervisor that it could not replace (\`orchd ${words.join(" ")}\`)`, async () => {
      await using one = await makeSupervised({ start: ["--max-parallel", "1"] });
      const before = supervisorPid(one.repository);
      const { code, stderr } = await orchdWithoutGit(one.repository, words);
      expect(stderr).to.include("git could not be started");
      expect(code).to.equal(5);
      expect((await one.orchd("status")).code).to.equal(0);
      expect(supervisorPid(one.repository)).to.equal(before);
    });
});

describe("a repository that the next supervisor could not work in", () => {
  it("keeps the one it has at `orchd restart`, and names what stands in the way", async function () {
    this.timeout(60_000);
    await using one = await makeSupervised({ config: { max_parallel: 1, target: "main" } });
    const before = supervisorPid(one.repository);
    await one.repository.git("branch", "-m", "main", "trunk");
    const { code, stderr } = await one.orchd("restart");
    expect(stderr).to.include("The repository has no branch main.");
    expect(code).to.equal(5);
    expect((await one.orchd("status")).code).to.equal(0);
    expect(supervisorPid(one.repository)).to.equal(before);
    await one.repository.git("branch", "-m", "trunk", "main");
  });
});
