import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import type { Oid } from "../../../ipc/ids.ts";
import type { Continued } from "../../../ipc/workerMessages.ts";
import { shellTask } from "./fakeSupervisor.ts";
import type { FakeSupervisor } from "./fakeSupervisor.ts";
import { savedOf, startedRig } from "./rig.ts";

/** An attempt whose work conflicts with what was committed meanwhile, and what the next one is given. */
async function conflicted(
  rig: FakeSupervisor,
  mine: string,
  theirs: string,
): Promise<{ continues: Continued; earlier: { work: null; red: null; continues: Continued } }> {
  const first = shellTask("t1", mine);
  rig.assign(first);
  const saved = savedOf(await rig.reportOf(first));
  if (saved === null) throw new Error("nothing was saved");
  const base = (await rig.person.git("rev-parse", "HEAD")) as Oid;
  expect(saved.base).to.equal(base);
  const person = shellTask("person", theirs);
  rig.assign(person);
  const other = savedOf(await rig.reportOf(person));
  await rig.person.git("merge", "-q", "--ff-only", other?.commit ?? "");
  const continues = { base, commit: saved.commit, attempt: 1 };
  return { continues, earlier: { work: null, red: null, continues } };
}

const look = [
  "git status --porcelain",
  "echo --; cat a.txt",
  'echo --; cat "$ORCHD_CONFLICT_FILES"; echo $ORCHD_CONTINUES',
  "git rev-parse HEAD",
].join("; ");

describe("an attempt that continues", () => {
  it("finds its earlier change on the new base, merged and staged, conflicts unmerged and marked", async () => {
    await using rig = await startedRig();
    const { earlier, continues } = await conflicted(
      rig,
      "echo mine > a.txt; echo new > new.txt; printf 'b\\nmore\\n' > dir/b.txt",
      "echo theirs > a.txt; echo other > other.txt",
    );
    const task = { ...shellTask("t1", look, { on_conflict: "continue" }), earlier, attempt: 2 };
    rig.assign(task);
    const report = await rig.reportOf(task);
    const [status, file, told] = (await rig.readAttempt(task, "stdout.log")).split("--\n");
    expect(status).to.equal("UU a.txt\nM  dir/b.txt\nA  new.txt\n");
    expect(file).to.equal("<<<<<<< main\ntheirs\n=======\nmine\n>>>>>>> attempt-1\n");
    const head = await rig.person.git("rev-parse", "HEAD");
    expect(told).to.equal(`a.txt\n${continues.commit}\n${head}\n`);
    const saved = savedOf(report);
    expect(saved?.unresolved).to.deep.equal(["a.txt"]);
    expect(saved?.touched).to.deep.equal(["a.txt", "dir/b.txt", "new.txt"]);
  });

  it("says what is still marked before a hook can fail on it", async () => {
    await using rig = await startedRig();
    const { earlier } = await conflicted(rig, "echo mine > a.txt", "echo theirs > a.txt");
    const hook = join(rig.person.dir, ".git/hooks/pre-commit");
    await mkdir(dirname(hook), { recursive: true });
    await writeFile(hook, "#!/bin/sh\n! grep -q '^<<<' a.txt\n", { mode: 0o755 });
    const task = { ...shellTask("t1", "true", { on_conflict: "continue" }), earlier, attempt: 2 };
    rig.assign(task);
    expect(savedOf(await rig.reportOf(task))?.unresolved).to.deep.equal(["a.txt"]);
    const failing = { ...shellTask("t2", "echo '<<<' > a.txt"), fence: 98 };
    rig.assign(failing);
    expect((await rig.reportOf(failing)).outcome).to.have.nested.property("failure.kind", "hook");
  });

  it("lands what it makes of it, by commits or not, with no mark left", async () => {
    await using rig = await startedRig();
    const { earlier } = await conflicted(rig, "echo mine > a.txt", "echo theirs > a.txt");
    const shell = "echo both > a.txt && git add a.txt && git commit -qm Both && git log --oneline";
    const task = { ...shellTask("t1", shell, { on_conflict: "continue" }), earlier, attempt: 2 };
    rig.assign(task);
    const saved = savedOf(await rig.reportOf(task));
    expect(saved).to.not.have.property("unresolved");
    expect(saved).to.deep.include({ touched: ["a.txt"], descends: true });
    const { git } = rig.person;
    expect(await git("show", `${saved?.commit}:a.txt`)).to.equal("both");
    expect(await git("rev-list", "--count", `HEAD..${saved?.commit}`)).to.equal("2");
  });

  it("finds what is deleted on one side, in the way, or named oddly, and what does not conflict any more", async () => {
    await using rig = await startedRig({ workspace: { setup: [["sh", "-c", "echo built > in"]] } });
    const { earlier } = await conflicted(
      rig,
      "rm in; git rm -q a.txt; echo x > in; echo x > 'é \"b'; mkdir c; echo x > c/d",
      "rm in; echo theirs > a.txt; echo y > 'é \"b'; echo y > c",
    );
    const shell = `git -c core.quotePath=false status --porcelain; cat in; ${look}`;
    const task = { ...shellTask("t1", shell, { on_conflict: "continue" }), earlier, attempt: 2 };
    rig.assign(task);
    const report = await rig.reportOf(task);
    const text = await rig.readAttempt(task, "stdout.log");
    expect(report.outcome.result, text).to.equal("done");
    expect(text).to.include("UD a.txt\n").and.to.include('AA "é \\"b"\n');
    expect(text).to.include("A  in\n").and.to.include("\nx\n");
    expect(text).to.match(/--\na.txt\n[^]*é "b\n/);
    expect(savedOf(report)?.unresolved).to.deep.equal(['é "b']);
    const clean = {
      ...earlier,
      continues: { ...earlier.continues, base: earlier.continues.commit },
    };
    const again = { ...shellTask("t1", look, { on_conflict: "continue" }), earlier: clean };
    const last = { ...again, attempt: 3, fence: 99 };
    rig.assign(last);
    const nothing = await rig.reportOf(last);
    expect(nothing.outcome).to.deep.equal({ result: "done", saved: null });
  });
});
