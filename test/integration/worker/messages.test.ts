import { expect } from "chai";
import type { Report } from "../../../ipc/workerMessages.ts";
import type { FakeSupervisor } from "./fakeSupervisor.ts";
import { shellTask } from "./fakeSupervisor.ts";
import { savedOf, startedRig } from "./rig.ts";
import type { SettingsChange } from "./rig.ts";

const agent: SettingsChange = { commit: { message: "agent", template: "{id}: {title}" } };

async function reportOf(
  rig: FakeSupervisor,
  id: string,
  script: string,
  change: Parameters<typeof shellTask>[2] = {},
): Promise<Report> {
  const task = shellTask(id, script, change);
  rig.assign(task);
  return await rig.reportOf(task);
}

describe("what an agent's commits say", () => {
  it("is reported for a single commit, also with work beside it, in whatever encoding it is", async () => {
    await using rig = await startedRig(agent);
    const forged =
      "printf 'Say it\\n\\n# why\\n\\nOrchd-Task: x\\nFixes: 1\\n' | git commit -q -F - a.txt";
    const first = await reportOf(rig, "t1", `echo x > a.txt; ${forged}; echo y > new.txt`);
    expect(savedOf(first)?.message).to.equal("Say it\n\n# why\n\nFixes: 1");
    const latin = "printf 'Gr\\374\\337e' | git -c i18n.commitEncoding=latin1 commit -qa -F -";
    const second = await reportOf(rig, "t2", `echo z > a.txt; ${latin}`);
    expect(savedOf(second)?.message).to.equal("Grüße");
    const unsaid = "printf 'Gr\\374n' | git commit -qa -F -";
    const third = await reportOf(rig, "t3", `echo z > a.txt; ${unsaid}`);
    expect(savedOf(third)?.message).to.equal("Grün");
  });

  it("is joined below the task's own words for several, without merges", async () => {
    await using rig = await startedRig(agent);
    const script = [
      "git checkout -qb side; echo s > side.txt; git add .; git commit -qm Side",
      "git checkout -q work; echo x > a.txt; git commit -qam One; git merge -q --no-edit side",
    ].join("\n");
    const report = await reportOf(rig, "t1", script, { title: "The task" });
    const parts = (savedOf(report)?.message ?? "").split("\n\n");
    expect(parts[0]).to.equal("t1: The task");
    expect(parts.slice(1).toSorted()).to.deep.equal(["One", "Side"]);
  });

  it("is not asked for where the task has a message, nothing was committed, or orchd.yaml says so", async () => {
    await using rig = await startedRig(agent);
    const commit = "echo x > a.txt; git commit -qam Mine";
    const own = { commit: { message: "Given", author: null, trailers: {} } };
    expect(savedOf(await reportOf(rig, "t1", commit, own))).to.not.have.property("message");
    const unsaid = await reportOf(rig, "t2", "echo x > a.txt");
    expect(savedOf(unsaid)?.touched).to.deep.equal(["a.txt"]);
    expect(savedOf(unsaid)).to.not.have.property("message");
    await using other = await startedRig();
    const report = await reportOf(other, "t1", commit);
    expect(savedOf(report)?.descends).to.equal(true);
    expect(savedOf(report)).to.not.have.property("message");
  });
});
