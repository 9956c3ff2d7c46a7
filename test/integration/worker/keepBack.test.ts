import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import type { KeptBack, Report } from "../../../ipc/workerMessages.ts";
import { shellTask } from "./fakeSupervisor.ts";
import { savedOf, startedRig } from "./rig.ts";
import { defaultConfig } from "../../../ipc/configDefaults.ts";
import { keptBackOf } from "../../../worker/workspace/keepBack.ts";
import { makeWorkspaceRig, testTask } from "./workspaceRig.ts";

const key = "-----BEGIN OPENSSH PRIVATE KEY-----";

function keptIn({ outcome }: Report): KeptBack {
  if (outcome.result === "failed" && outcome.failure.kind === "kept_back") return outcome.failure;
  throw new Error(`nothing was kept back: ${JSON.stringify(outcome)}`);
}

describe("new files that do not belong in git", () => {
  it("fail the attempt by name, and lie beside the workspace; the rest is saved", async () => {
    await using rig = await startedRig({ save: { max_file_bytes: 1_000 } });
    const task = shellTask(
      "t1",
      `echo A=1 > settings.env; mkdir conf; echo A=1 > conf/.env.local; echo A= > .env.example
       head -c 1001 /dev/zero > big; head -c 1000 /dev/zero > fits; echo '${key}' > conf/k.txt; echo x >> a.txt`,
    );
    rig.assign(task);
    const report = await rig.reportOf(task);
    const kept = keptIn(report);
    expect(kept.files).to.deep.equal([
      { path: "big", why: "large", bytes: 1001 },
      { path: "conf/.env.local", why: "secret", bytes: 4 },
      { path: "conf/k.txt", why: "secret", bytes: key.length + 1 },
    ]);
    expect(kept.total).to.equal(3);
    expect(await readFile(join(kept.folder, "conf/k.txt"), "utf8")).to.equal(`${key}\n`);
    const touched = [".env.example", "a.txt", "fits", "settings.env"];
    expect(savedOf(report)?.touched).to.deep.equal(touched);
    const objects = await rig.person.git("cat-file", "--batch-all-objects", "--batch-check");
    expect(objects).not.to.match(/ blob (1001|36)$/m);
  });

  it("do not come in with the agent's commits either, which lie beside them", async () => {
    await using rig = await startedRig({ save: {} });
    const script = `echo s1 > id_rsa; git add -A; git commit -qm key; git branch other
      echo s2 > .netrc; git add -A; git stash -q; echo x >> a.txt; git commit -qam more`;
    const task = shellTask("t1", script);
    rig.assign(task);
    const report = await rig.reportOf(task);
    const { folder, files } = keptIn(report);
    expect(files.map(({ path }) => path)).to.deep.equal(["id_rsa"]);
    expect(savedOf(report)?.touched).to.deep.equal(["a.txt"]);
    const refs = await rig.person.git("log", "--all", "--name-only", "--format=");
    expect(refs.split("\n")).not.to.include("id_rsa");
    expect(refs.split("\n")).not.to.include(".netrc");
    const objects = await rig.person.git("cat-file", "--batch-all-objects", "--batch-check");
    expect(objects).not.to.match(/ blob 3$/m);
    expect(existsSync(join(dirname(folder), "1", "HEAD"))).to.equal(true);
  });

  it("do not come in with commits that removed them again; these fail the attempt by name and lie beside it", async () => {
    await using rig = await startedRig({ save: { max_file_bytes: 1_000 } });
    const script = `echo s1 > id_rsa; mkdir d; echo '${key}' > d/notes; head -c 1001 /dev/zero > big; echo y > y
      git add -A; git commit -qm all; echo x >> a.txt; git rm -q id_rsa d/notes big; git commit -qam less`;
    const task = shellTask("t1", script);
    rig.assign(task);
    const report = await rig.reportOf(task);
    const { folder, files, total } = keptIn(report);
    expect(files).to.deep.equal([
      { path: "big", why: "large", bytes: 1001, committed: true },
      { path: "d/notes", why: "secret", bytes: key.length + 1, committed: true },
      { path: "id_rsa", why: "secret", bytes: 3, committed: true },
    ]);
    expect(total).to.equal(3);
    expect(savedOf(report)?.touched).to.deep.equal(["a.txt", "y"]);
    const objects = await rig.person.git("cat-file", "--batch-all-objects", "--batch-check");
    expect(objects).not.to.match(/ blob (1001|36|3)$/m);
    expect(existsSync(join(folder, "1", "HEAD"))).to.equal(true);
  });

  it("do not come in with a stash or another branch either", async () => {
    await using rig = await startedRig({ save: {} });
    const script = `git switch -qc other; echo s1 > id_rsa; git add -A; git commit -qm key; git switch -q work; echo x > x`;
    const task = shellTask("t1", script);
    rig.assign(task);
    const { files } = keptIn(await rig.reportOf(task));
    expect(files.map(({ path }) => path)).to.deep.equal(["id_rsa"]);
    const strays = await rig.person.git("for-each-ref", "refs/orchd/strays");
    expect(strays).to.equal("");
  });

  it("are let through in commits as in files, and changes of files that the base has are not looked at", async () => {
    await using rig = await startedRig({ save: { max_file_bytes: 50, allow: ["*.bin"] } });
    const script = `head -c 100 /dev/zero > x.bin; head -c 100 /dev/zero > a.txt; echo '${key}' > dir/b.txt
      git add -A; git commit -qm one; git rm -q x.bin; echo b > a.txt; echo b > dir/b.txt; git commit -qam two`;
    const task = shellTask("t1", script);
    rig.assign(task);
    const report = await rig.reportOf(task);
    expect(report.outcome.result, JSON.stringify(report.outcome)).to.equal("done");
    const own = await rig.person.git("log", "--format=%s", `${savedOf(report)?.commit}`);
    expect(own.split("\n").slice(1, 3)).to.deep.equal(["two", "one"]);
  });

  it("are found in the whole one of two histories, and the other is left out", async () => {
    await using rig = await startedRig({ save: {} });
    const script = `echo s1 > id_rsa; git add -A; git commit -qm key; git branch other; git reset -q --hard HEAD~
      echo 1234567890123456789012345678901234567890 > .git/refs/heads/damaged; echo x > x`;
    const task = shellTask("t1", script);
    rig.assign(task);
    const { files } = keptIn(await rig.reportOf(task));
    expect(files.map(({ path }) => path)).to.deep.equal(["id_rsa"]);
  });

  it("are found in commits although there is more beside them than is read", async function () {
    this.timeout(30_000);
    await using rig = await startedRig({ save: { max_file_bytes: 100_000_000 } });
    const script = `echo '${key}' > notes; git add -A; git commit -qm notes
      head -c 70000000 /dev/zero > big; git add -A; git commit -qm big
      git rm -q notes big; git commit -qm less`;
    const task = shellTask("t1", script);
    rig.assign(task);
    const { files } = keptIn(await rig.reportOf(task));
    expect(files.map(({ path }) => path)).to.deep.equal(["notes"]);
  });

  it("are saved where the configuration lets them through", async () => {
    await using rig = await startedRig({
      save: { max_file_bytes: 10, allow: ["test/**", "*.bin"] },
    });
    const script = `mkdir test; echo '${key}' > test/key; head -c 100 /dev/zero > x.bin`;
    const task = shellTask("t1", script);
    rig.assign(task);
    const report = await rig.reportOf(task);
    expect(report.outcome.result).to.equal("done");
    expect(savedOf(report)?.touched).to.deep.equal(["test/key", "x.bin"]);
  });

  it("are not looked for among files that git knows or ignores, nor where secrets are allowed", async () => {
    await using rig = await startedRig({ save: { max_file_bytes: 50, secrets: "allow" } });
    const script = `head -c 100 /dev/zero > a.txt; echo '${key}' > plain; head -c 100 /dev/zero > x.log`;
    const task = shellTask("t1", script);
    rig.assign(task);
    const report = await rig.reportOf(task);
    expect(report.outcome.result).to.equal("done");
    expect(savedOf(report)?.touched).to.deep.equal(["a.txt", "plain"]);
  });

  it("are in no look at running work either", async () => {
    await using rig = await startedRig({ limits: { prediction_ms: 20 } });
    const task = shellTask(
      "t1",
      `echo '${key}' > id_rsa; echo b > b.txt
       for i in $(seq 200); do git -C '${rig.person.dir}' diff --name-only HEAD refs/orchd/live/t1 && break; sleep 0.05; done`,
    );
    rig.assign(task);
    keptIn(await rig.reportOf(task));
    expect(await rig.readAttempt(task, "stdout.log")).to.equal("b.txt\n");
    const { git } = rig.person;
    const objects = await git("cat-file", "--batch-all-objects", "--batch-check");
    expect(objects).not.to.match(/ blob 36$/m);
  });

  it("fail the attempt when a hook made them", async () => {
    await using rig = await startedRig({ save: { max_file_bytes: 10 } });
    const hook = join(rig.person.dir, ".git/hooks/pre-commit");
    await mkdir(dirname(hook), { recursive: true });
    await writeFile(hook, "#!/bin/sh\nhead -c 100 /dev/zero > bundle\n", { mode: 0o755 });
    const task = shellTask("t1", "echo x > a.txt");
    rig.assign(task);
    const report = await rig.reportOf(task);
    expect(keptIn(report).files).to.deep.equal([{ path: "bundle", why: "large", bytes: 100 }]);
    expect(savedOf(report)?.touched).to.deep.equal(["a.txt"]);
  });

  it("do not hide that the program failed", async () => {
    await using rig = await startedRig();
    const task = shellTask("t1", "echo x > .env.production; exit 3");
    rig.assign(task);
    const { outcome } = await rig.reportOf(task);
    expect(outcome).to.deep.include({ failure: { kind: "exit", exit_code: 3 } });
  });

  it("are told of again by a save that is repeated after the commits went aside", async () => {
    await using rig = await makeWorkspaceRig({ files: { "a.txt": "a\n" } });
    await rig.edit("id_rsa", "secret\n");
    await rig.agentGit("add", "-A");
    await rig.agentGit("commit", "-qm", "key");
    await rig.agentGit("rm", "-q", "id_rsa");
    await rig.edit("b.txt", "b\n");
    const first = await rig.save();
    expect(await rig.save()).to.deep.equal(first);
    const owner = { task: testTask, attempt: 1 };
    const kept = await keptBackOf(rig.place, owner, defaultConfig.save);
    expect(kept?.files).to.deep.equal([
      { path: "id_rsa", why: "secret", bytes: 7, committed: true },
    ]);
  });

  it("are never forgotten by number, as the oldest histories of embedded repositories are, whatever the clock said", async () => {
    await using rig = await makeWorkspaceRig({ files: { "a.txt": "a\n" } });
    const { setAside } = rig.place;
    const nextYear = new Date(Date.now() + 365 * 24 * 60 * 60 * 1000);
    for (let n = 1; n <= 20; n += 1)
      for (const name of [`kept${n}.1/kept-back`, `work${n}.1.workspace`, `history${n}.1/${n}`]) {
        await mkdir(join(setAside, name), { recursive: true });
        await utimes(join(setAside, name.split("/")[0] ?? ""), nextYear, nextYear);
      }
    await rig.edit("lib/x.txt", "x\n");
    await rig.agentGit("init", "-q", "lib");
    await rig.save();
    const names = await readdir(setAside);
    const count = (kind: string): number => names.filter((name) => name.startsWith(kind)).length;
    expect([count("kept"), count("work")]).to.deep.equal([20, 20]);
    expect(await readdir(join(setAside, "t1.1"))).to.deep.equal(["21"]);
    const newest = Array.from({ length: 15 }, (_, at) => `history${20 - at}.1`);
    expect(names.filter((name) => name.startsWith("history"))).to.have.members(newest);
  });

  it("are still there after a save that was cut short, and give the same commit", async () => {
    await using rig = await makeWorkspaceRig({ files: { "a.txt": "a\n" } });
    await rig.edit("id_rsa", "secret\n");
    await rig.edit("b.txt", "b\n");
    const first = await rig.save();
    expect(await rig.save()).to.deep.equal(first);
    expect(first?.touched).to.deep.equal(["b.txt"]);
    await rig.reset();
    expect(existsSync(join(rig.place.setAside, "t1.1/kept-back/id_rsa"))).to.equal(true);
  });
});
