import { join } from "node:path";
import { expect } from "chai";
import { GitError } from "../../../system/git.ts";
import { KeptGit } from "../../../system/keptGit.ts";
import { setImmediate as turn } from "node:timers/promises";
import { processesNaming } from "../../helpers/processes.ts";
import { makeRepository } from "../../helpers/repository.ts";
import type { TestRepository } from "../../helpers/repository.ts";
import { until } from "../../helpers/until.ts";

const names = ["cat-file", "--batch-check=%(objectname)"];
const oneLine = (text: string): number | null => (text.endsWith("\n") ? text.length : null);
/** Three fields: the path, the attribute, its value. */
const oneOf = (text: string): number | null => (text.split("\0").length === 4 ? text.length : null);

function gitDirOf({ dir }: TestRepository): string {
  return join(dir, ".git");
}

/** Gits that run on this repository now. */
function running(repository: TestRepository): number[] {
  return [...processesNaming(`--git-dir=${gitDirOf(repository)}`).keys()];
}

describe("a git that is kept", () => {
  it("answers many questions by one process, each its own, also when they are asked at once", async () => {
    await using repository = await makeRepository();
    const kept = new KeptGit({ gitDir: gitDirOf(repository) }, names);
    const [head, tree] = await Promise.all(
      ["HEAD", "HEAD^{tree}"].map((name) => kept.ask(`${name}\n`, oneLine)),
    );
    expect(head).to.equal(`${await repository.git("rev-parse", "HEAD")}\n`);
    expect(tree).to.equal(`${await repository.git("rev-parse", "HEAD^{tree}")}\n`);
    expect(running(repository)).to.have.length(1);
    await kept.close();
    expect(running(repository)).to.deep.equal([]);
  });

  it("says what git said when it ends instead of answering, and starts another for the next question", async () => {
    await using repository = await makeRepository();
    const kept = new KeptGit({ gitDir: gitDirOf(repository) }, ["update-ref", "--stdin"]);
    const done = (text: string): number | null =>
      text.endsWith("commit: ok\n") ? text.length : null;
    const oid = await repository.git("rev-parse", "HEAD");
    const refused = await kept
      .ask(`start\nupdate refs/heads/x ${"1".repeat(40)}\ncommit\n`, done)
      .catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(GitError);
    expect(String(refused)).to.contain("git update-ref: fatal: ");
    await kept.ask(`start\nupdate refs/heads/x ${oid}\ncommit\n`, done);
    expect(await repository.git("rev-parse", "refs/heads/x")).to.equal(oid);
    await kept.close();
  });

  it("gives one up that does not answer in time, and one that was killed", async () => {
    await using repository = await makeRepository();
    const kept = new KeptGit({ gitDir: gitDirOf(repository) }, names, { answerMsMax: 200 });
    const late = await kept.ask("", oneLine).catch((error: unknown) => String(error));
    expect(late).to.contain("git did not answer in time");
    await kept.ask("HEAD\n", oneLine);
    for (const pid of running(repository)) process.kill(pid, "SIGKILL");
    const lost = await kept.ask("", oneLine).catch((error: unknown) => String(error));
    expect(lost).to.contain("git ended without an answer");
    expect(await kept.ask("HEAD\n", oneLine)).to.have.length(41);
    await kept.close();
  });

  it("is another one after its age, so what git reads but once is seen though it is never idle", async () => {
    await using repository = await makeRepository();
    const place = { gitDir: gitDirOf(repository), workTree: repository.dir };
    const attributes = ["check-attr", "-z", "--stdin", "merge"];
    const kept = new KeptGit(place, attributes, { ageMsMax: 200 });
    const ask = async (): Promise<string> =>
      (await kept.ask("a.txt\0", oneOf)).split("\0")[2] ?? "";
    expect(await ask()).to.equal("unspecified");
    await repository.write(".git/info/attributes", "* merge=union\n");
    await until(async () => (await ask()) === "union");
    await kept.close();
    expect(running(repository)).to.deep.equal([]);
  });

  it("gives one up that says more than it was asked", async () => {
    await using repository = await makeRepository();
    const kept = new KeptGit({ gitDir: gitDirOf(repository) }, names);
    const first = await kept.ask("HEAD\nHEAD\n", (text) => (text.length === 82 ? 41 : null));
    expect(first).to.have.length(41);
    await until(() => running(repository).length === 0);
    expect(await kept.ask("HEAD\n", oneLine)).to.equal(first);
    await kept.close();
  });

  it("does no harm when none can be started ahead: who asks hears why", async () => {
    const impossible = new KeptGit({ gitDir: "/no\0folder" }, names);
    impossible.ready();
    await turn();
    await turn();
    const said = await impossible.ask("HEAD\n", oneLine).catch((error: unknown) => String(error));
    expect(said).to.contain("null bytes");
    await impossible.close();
  });

  it("ends by itself when nobody asks", async () => {
    await using repository = await makeRepository();
    const kept = new KeptGit({ gitDir: gitDirOf(repository) }, names, { idleMs: 50 });
    const first = await kept.ask("HEAD\n", oneLine);
    await until(() => running(repository).length === 0);
    expect(await kept.ask("HEAD\n", oneLine)).to.equal(first);
    await kept.close();
  });

  it("is asked once where it answers at the end of its input only, and has the next one ready when it is told to", async () => {
    await using repository = await makeRepository();
    const options = { answersAtEnd: true };
    // Without --buffer it would answer at once; with it, at the end of input, as an older merge-tree does.
    const args = ["cat-file", "--buffer", "--batch-check=%(objectname)"];
    const kept = new KeptGit({ gitDir: gitDirOf(repository) }, args, options);
    const first = await kept.ask("HEAD\n", oneLine);
    await until(() => running(repository).length === 0, { what: "the one that was asked to end" });
    kept.ready();
    const [ahead] = await until(() => running(repository).length === 1 && running(repository));
    const answers = await Promise.all([kept.ask("HEAD\n", oneLine), kept.ask("HEAD\n", oneLine)]);
    expect(answers).to.deep.equal([first, first]);
    await until(() => running(repository).length === 0, { what: "both to end" });
    kept.ready();
    kept.ready();
    const others = await until(() => running(repository).length > 0 && running(repository));
    expect(others).to.have.length(1).and.not.to.include(ahead);
    kept.ready();
    await kept.close();
    expect(running(repository)).to.deep.equal([]);
  });

  it("is ready in vain for no longer than it may be idle, and not after it was closed", async () => {
    await using repository = await makeRepository();
    const kept = new KeptGit({ gitDir: gitDirOf(repository) }, names, { idleMs: 50 });
    kept.ready();
    await until(() => running(repository).length === 1);
    await until(() => running(repository).length === 0, { what: "its idle time to pass" });
    kept.ready();
    await kept.close();
    await turn();
    await turn();
    expect(running(repository)).to.deep.equal([]);
  });
});
