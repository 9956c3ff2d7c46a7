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
    expect(savedOf(report)?.unresolved).to.deep.equal(["a.txt", "c~main", 'é "b']);
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

  /** Each conflicts without a mark: mine, theirs, and the paths that git names. */
  const unmarked: Record<string, [string, string, readonly string[]]> = {
    "deleted by the earlier attempt": ["git rm -q a.txt", "echo theirs > a.txt", ["a.txt"]],
    "deleted by what landed": ["echo mine > a.txt", "git rm -q a.txt", ["a.txt"]],
    "a binary file": ["printf 'm\\0' > a.txt", "printf 't\\0' > a.txt", ["a.txt"]],
    "a link": ["ln -sf mine a.txt", "ln -sf theirs a.txt", ["a.txt"]],
    "renamed on both sides": [
      "git mv a.txt mine.txt",
      "git mv a.txt theirs.txt",
      ["a.txt", "mine.txt", "theirs.txt"],
    ],
    "of another kind on both sides": [
      "ln -sf mine a.txt",
      "echo theirs > a.txt",
      ["a.txt", "a.txt~main"],
    ],
    "a folder on one side": ["mkdir c; echo x > c/d", "echo y > c", ["c~main"]],
  };

  for (const [at, [what, [mine, theirs, paths]]] of Object.entries(unmarked).entries())
    it(`does not land what is ${what} while it lies as it was found, and does once git calls it settled`, async () => {
      await using rig = await startedRig();
      const { earlier } = await conflicted(rig, mine, theirs);
      const settle = at % 2 === 0 ? "git add -A" : "git add -A; git commit -q --allow-empty -m Yes";
      const run = async (shell: string, attempt: number) => {
        const spec = shellTask("t1", shell, { on_conflict: "continue" });
        const task = { ...spec, earlier, attempt, fence: 90 + attempt };
        rig.assign(task);
        const report = await rig.reportOf(task);
        expect(report.outcome.result, JSON.stringify(report)).to.equal("done");
        return savedOf(report);
      };
      const idle = await run("true", 2);
      expect(idle?.unresolved).to.deep.equal(paths);
      expect(await rig.person.git("rev-parse", idle?.ref ?? "")).to.equal(idle?.commit);
      expect((await run(settle, 3)) ?? {}, settle).to.not.have.property("unresolved");
    });

  it("lands a file that cannot be marked once it is changed or removed, whatever git was told", async () => {
    await using rig = await startedRig();
    const { earlier } = await conflicted(
      rig,
      "printf 'm\\0' > a.txt; git rm -q dir/b.txt",
      "printf 't\\0' > a.txt; echo theirs > dir/b.txt",
    );
    const shell = "printf 'both\\0' > a.txt; rm dir/b.txt";
    const task = { ...shellTask("t1", shell, { on_conflict: "continue" }), earlier, attempt: 2 };
    rig.assign(task);
    const saved = savedOf(await rig.reportOf(task));
    expect(saved).to.not.have.property("unresolved");
    expect(saved?.touched).to.deep.equal(["a.txt", "dir/b.txt"]);
    const broken = "rm -rf .git; mkdir .git; echo junk > .git/index";
    const blind = {
      ...shellTask("t1", broken, { on_conflict: "continue" }),
      earlier,
      attempt: 3,
      fence: 98,
    };
    rig.assign(blind);
    expect(savedOf(await rig.reportOf(blind))?.unresolved).to.deep.equal(["a.txt", "dir/b.txt"]);
  });

  it("may keep marks that a side has: a text about merging is no conflict that was left", async () => {
    await using rig = await startedRig();
    const about = (word: string) =>
      `printf 'About ${word}\\n<<<<<<< HEAD\\n${word}\\n>>>>>>> ${word}\\n' > a.txt`;
    const { earlier } = await conflicted(rig, about("mine"), about("theirs"));
    const run = async (shell: string, attempt: number) => {
      const spec = shellTask("t1", shell, { on_conflict: "continue" });
      const task = { ...spec, earlier, attempt, fence: 90 + attempt };
      rig.assign(task);
      return savedOf(await rig.reportOf(task));
    };
    expect((await run("true", 2))?.unresolved).to.deep.equal(["a.txt"]);
    const settled = await run(`${about("mine")}; echo more >> a.txt`, 3);
    expect(settled).to.not.have.property("unresolved");
    expect(settled?.touched).to.deep.equal(["a.txt"]);
    const half = "sed -i '/^<<<<<<< main/d' a.txt";
    expect((await run(half, 4))?.unresolved).to.deep.equal(["a.txt"]);
  });

  it("has marks of seven also where an attribute says otherwise: what is left of shorter ones would not be found", async () => {
    await using rig = await startedRig();
    const attributes = "echo 'a.txt conflict-marker-size=3' > .gitattributes";
    const { earlier } = await conflicted(
      rig,
      "echo mine > a.txt",
      `echo theirs > a.txt; ${attributes}`,
    );
    const shell = "sed -i s/mine/more/ a.txt; cat a.txt";
    const task = { ...shellTask("t1", shell, { on_conflict: "continue" }), earlier, attempt: 2 };
    rig.assign(task);
    expect(savedOf(await rig.reportOf(task))?.unresolved).to.deep.equal(["a.txt"]);
    expect(await rig.readAttempt(task, "stdout.log")).to.match(/^<{7} main\n/);
  });

  it("names the first thousand of what it left, and how many there are", async () => {
    await using rig = await startedRig();
    const many = (word: string) => `for n in $(seq -w 1 1005); do echo ${word} > f$n; done`;
    const { earlier } = await conflicted(rig, many("mine"), many("theirs"));
    const task = { ...shellTask("t1", "true", { on_conflict: "continue" }), earlier, attempt: 2 };
    rig.assign(task);
    const saved = savedOf(await rig.reportOf(task));
    expect(saved?.unresolved).to.have.length(1_000);
    expect(saved?.unresolved_total).to.equal(1_005);
  });
});
