import { execFile } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { entry, landedCommits, makeSupervised } from "../helpers/supervised.ts";
import { conflictingShell, parkTask } from "../helpers/parking.ts";
import { until } from "../helpers/until.ts";
import type { Supervised } from "../helpers/supervised.ts";
import type { TaskView } from "../../ipc/taskViews.ts";

const run = promisify(execFile);
const content = { files: { "README.md": "# Scratch\n", "shared.txt": "first\n" } };

/** The commands that `show` prints under "parked", in order, without its remarks. */
async function printedCommands(supervised: Supervised, id: string): Promise<string[]> {
  const { stdout } = await supervised.orchd("show", id);
  const lines = stdout.slice(stdout.indexOf("parked: ")).split("\n").slice(1);
  return lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
}

/** Pastes into a shell of the person's, in a folder of the repository; the code and what it printed. */
async function paste(
  { repository }: Supervised,
  command: string,
  folder = ".",
): Promise<{ readonly code: number; readonly text: string }> {
  const script = `orchd() { '${process.execPath}' '${entry}' "$@"; }\n${command}`;
  const env = { ...repository.env, GIT_AUTHOR_NAME: "P", GIT_AUTHOR_EMAIL: "p@example.com" };
  const person = { GIT_COMMITTER_NAME: "P", GIT_COMMITTER_EMAIL: "p@example.com" };
  const cwd = join(repository.dir, folder);
  return await run("sh", ["-c", script], { cwd, env: { ...env, ...person } }).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      text: error.stdout + error.stderr,
    }),
  );
}

describe("a task that continues after a conflict", () => {
  it("resolves it in its next attempt, and is parked when it leaves the marks", async function () {
    this.timeout(90_000);
    await using supervised = await makeSupervised({ ...content });
    const { dir, git } = supervised.repository;
    const ids = await supervised.submit(
      {
        id: "able",
        on_conflict: "continue",
        run: {
          shell: `if [ -n "$ORCHD_CONFLICT_FILES" ]; then sed -i '/^[<=>]/d' $(cat "$ORCHD_CONFLICT_FILES"); else ${conflictingShell(dir)}; fi`,
        },
      },
      {
        id: "unable",
        after: ["able"],
        on_conflict: "continue",
        run: { shell: `[ -n "$ORCHD_CONTINUES" ] || { ${conflictingShell(dir)}; }` },
      },
    );
    const [able, unable] = await supervised.wait(ids);
    expect(able).to.deep.include({ status: "succeeded", attempts: 2 });
    expect(await git("show", `${able?.commit}:shared.txt`)).to.match(/^person \d+\ntask \d+$/);
    expect(unable, JSON.stringify(unable)).to.deep.include({ status: "failed", attempts: 3 });
    expect(unable?.reason).to.deep.include({ kind: "conflict", paths: ["shared.txt"] });
    expect((await supervised.orchd("trace", "unable")).stdout).to.include(
      "it left conflicts in shared.txt; runs again (conflict)",
    );
    const picked = await printedCommands(supervised, "unable");
    expect(picked.at(-2)).to.equal("orchd land --resolved unable");
  });
});

describe("a conflict that git cannot mark", () => {
  it("is parked when it is left as it lies, though the task has changed nothing else, and lands settled", async function () {
    this.timeout(90_000);
    const files = { "gone.txt": "first\n", "kept.txt": "first\n" };
    await using supervised = await makeSupervised({ files });
    const { git, dir, write } = supervised.repository;
    const beside = (name: string): string => join(dirname(dir), name);
    const begun = `touch '${beside("begun")}'; until [ -e '${beside("on")}' ]; do sleep 0.05; done`;
    const once = (shell: string) => ({ shell: `[ -n "$ORCHD_CONTINUES" ] || { ${shell}; }` });
    const [id] = await supervised.submit({
      id: "drop",
      on_conflict: "continue",
      run: once(`git rm -q gone.txt; ${begun}`),
    });
    await until(() => existsSync(beside("begun")), { what: "it to begin" });
    await write("gone.txt", "of the person\n");
    await git("commit", "--quiet", "--all", "--message", "Theirs");
    writeFileSync(beside("on"), "");
    const [end] = await supervised.wait(id === undefined ? [] : [id]);
    expect(end).to.deep.include({ status: "failed", attempts: 3 });
    expect(end?.reason).to.deep.include({ kind: "conflict", paths: ["gone.txt"] });
    expect((await supervised.orchd("trace", "drop")).stdout).to.include(
      "left conflicts in gone.txt",
    );
    for (const command of await printedCommands(supervised, "drop")) {
      if (command.includes("worktree remove"))
        expect((await supervised.orchd("wait", "drop")).code).to.equal(0);
      const folder = `${dir}-resolve-drop`;
      if (command.includes(" add --all")) await git("-C", folder, "rm", "--quiet", "gone.txt");
      const { code, text } = await paste(supervised, command);
      expect(code, `${command}: ${text}`).to.equal(command.includes("cherry-pick") ? 1 : 0);
    }
    expect(await git("ls-tree", "--name-only", "orchd/main")).to.equal("kept.txt");
  });
});

describe("a task that is parked", () => {
  it("is resolved with the commands that show prints, pasted as they stand", async function () {
    this.timeout(90_000);
    await using supervised = await makeSupervised({ ...content });
    await parkTask(supervised, "parse");
    const commands = await printedCommands(supervised, "parse");
    const view = JSON.parse((await supervised.orchd("show", "parse", "--json")).stdout) as TaskView;
    const worktree = view.parked?.worktree ?? "";
    const codes: number[] = [];
    for (const command of commands) {
      if (command.includes(" add --all")) {
        expect((await paste(supervised, command)).code).to.equal(0);
        const { code, text } = await paste(supervised, `git -C '${worktree}' commit -m x`);
        expect(code, text).to.equal(0);
        const early = await supervised.orchd("land", "--resolved", "parse");
        expect(early.stderr).to.include("conflict markers are left in shared.txt");
        expect(early.code).to.equal(5);
        await paste(supervised, `git -C '${worktree}' reset --soft HEAD~1`);
        writeFileSync(join(worktree, "shared.txt"), "both\n");
      }
      if (command.includes("worktree remove"))
        expect((await supervised.orchd("wait", "parse")).code).to.equal(0);
      const { code, text } = await paste(supervised, command, ".aibrain");
      codes.push(code);
      expect(code, `${command}: ${text}`).to.equal(command.includes("cherry-pick") ? 1 : 0);
    }
    expect(codes, commands.join("\n")).to.have.length.greaterThan(7);
    expect(existsSync(worktree)).to.equal(false);
    const landed = (await landedCommits(supervised.repository)).get("parse");
    expect(landed).to.have.length(1);
    const { git } = supervised.repository;
    expect(await git("show", "orchd/main:shared.txt")).to.equal("both");
    await until(async () => (await git("rev-parse", "main")) === landed?.[0], { what: "main" });
    const trace = await supervised.orchd("trace", "parse");
    expect(trace.stdout).to.include("resolved by a person");
    const after = await supervised.orchd("show", "parse");
    expect(after.stdout).to.not.include("parked");
  });

  it("that conflicts anew is resolved in another folder, by what show prints then", async function () {
    this.timeout(120_000);
    await using supervised = await makeSupervised({ ...content });
    const { git, dir } = supervised.repository;
    await parkTask(supervised, "parse");
    const parkedIn = async () =>
      (JSON.parse((await supervised.orchd("show", "parse", "--json")).stdout) as TaskView).parked;
    const pasteAll = async (meanwhile: () => Promise<unknown>, end: number): Promise<string> => {
      const worktree = (await parkedIn())?.worktree ?? "";
      for (const command of await printedCommands(supervised, "parse")) {
        if (command.includes(" add --all")) writeFileSync(join(worktree, "shared.txt"), "both\n");
        if (command.includes("land --resolved")) await meanwhile();
        if (command.includes("worktree remove")) {
          expect((await supervised.orchd("wait", "parse")).code).to.equal(end);
          if (end === 1) break;
        }
        const { code, text } = await paste(supervised, command);
        expect(code, `${command}: ${text}`).to.equal(command.includes("cherry-pick") ? 1 : 0);
      }
      return worktree;
    };
    const first = await pasteAll(async () => {
      const newer = { id: "newer", run: { shell: "echo newer > shared.txt" } };
      await supervised.wait(await supervised.submit(newer));
    }, 1);
    expect((await parkedIn())?.earlier).to.equal("resolve/parse");
    // Left by somebody who removed the folder by hand: git still knows it.
    const gone = `${dir}-resolve-parse+2`;
    await git("worktree", "add", "--quiet", "--detach", gone);
    rmSync(gone, { recursive: true });
    const second = await pasteAll(async () => await Promise.resolve(), 0);
    expect(second).to.equal(`${dir}-resolve-parse+3`);
    expect([existsSync(first), existsSync(second)]).to.deep.equal([true, false]);
    const branches = await git("for-each-ref", "--format=%(refname)", "refs/heads/resolve");
    expect(branches).to.equal("refs/heads/resolve/parse");
    expect((await landedCommits(supervised.repository)).get("parse")).to.have.length(1);
  });

  it("takes any commit, says what is wrong with one, and that a resolution conflicts itself", async function () {
    this.timeout(90_000);
    await using supervised = await makeSupervised({ ...content });
    await parkTask(supervised, "parse");
    const { git, write } = supervised.repository;
    const missing = await supervised.orchd("land", "--resolved", "parse");
    expect([missing.code, missing.stderr]).to.deep.equal([
      4,
      "orchd: there is no commit resolve/parse\n`orchd show parse` prints how to make a resolution; --commit REV names one that is elsewhere.",
    ]);
    const old = await supervised.orchd("land", "--resolved", "parse", "--commit", "HEAD~1");
    expect([old.code, old.stderr]).to.deep.include(5);
    expect(old.stderr).to.include("is on orchd/main already");
    const unknown = await supervised.orchd("land", "--resolved", "nobody", "--commit", "HEAD");
    expect(unknown.code).to.equal(4);
    await git("checkout", "--quiet", "-b", "mine", "refs/orchd/conflicts/parse^2");
    await write("shared.txt", "mine\n");
    await git("commit", "--quiet", "--all", "--message", "mine");
    // Meanwhile something else lands on the same line.
    await supervised.wait(
      await supervised.submit({ id: "newer", run: { shell: "echo newer > shared.txt" } }),
    );
    expect(
      (await supervised.orchd("land", "--resolved", "parse", "--commit", "mine")).code,
    ).to.equal(0);
    const again = await supervised.orchd("wait", "parse");
    expect(again.code).to.equal(1);
    expect(again.stdout).to.include("conflict in shared.txt; kept as refs/orchd/conflicts/parse");
    await git("merge", "--quiet", "--strategy=ours", "--no-edit", "orchd/main");
    expect(
      (await supervised.orchd("land", "--resolved", "parse", "--commit", "HEAD")).code,
    ).to.equal(0);
    expect((await supervised.orchd("wait", "parse")).code).to.equal(0);
    expect(await git("show", "orchd/main:shared.txt")).to.equal("mine");
    expect((await landedCommits(supervised.repository)).get("parse")).to.have.length(1);
    const done = await supervised.orchd("land", "--resolved", "parse", "--commit", "HEAD");
    expect([done.code, done.stderr]).to.deep.include(5);
    expect(done.stderr).to.include("task parse is not parked: it is succeeded");
    await git("checkout", "--quiet", "main");
  });
});
