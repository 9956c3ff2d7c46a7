import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { onFailpoint } from "../../../system/failpoint.ts";
import { makeScene } from "./scene.ts";
import type { Scene } from "./scene.ts";

const follow = (scene: Scene) => scene.landing.follow({ from: null });

/** Nothing of ours is left in the way of the person's next git command. */
function expectNoTrace(scene: Scene): void {
  const names = readdirSync(scene.gitDir, { recursive: true, encoding: "utf8" });
  expect(names.filter((name) => name.endsWith(".lock"))).to.deep.equal([]);
  expect(existsSync(join(scene.gitDir, "orchd", "follow.json"))).to.equal(false);
}

async function expectFollowed(scene: Scene): Promise<void> {
  expect(await scene.oid("main")).to.equal(await scene.oid("orchd/main"));
  expectNoTrace(scene);
}

/** A commit on the target with its files. */
async function commitOn(scene: Scene): Promise<string> {
  return await scene.repository.git("commit-tree", "main^{tree}", "-p", "main", "-m", "mine");
}

describe("following with the target checked out", () => {
  it("moves branch, files and index together", async () => {
    await using scene = await makeScene();
    const from = await scene.oid("main");
    await scene.land("t1", { "a.txt": "new\n", "b.txt": null, "new/deep/x.txt": "x\n" });
    const to = await scene.land("t2", { "dir/c.txt": null });
    expect(await follow(scene)).to.deep.equal({ kind: "followed", from, to });
    await expectFollowed(scene);
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
    expect(readFileSync(join(scene.repository.dir, "new/deep/x.txt"), "utf8")).to.equal("x\n");
    expect(existsSync(join(scene.repository.dir, "dir"))).to.equal(false);
    expect(await scene.repository.git("reflog", "-1", "--format=%gs")).to.equal(
      "orchd: follow orchd/main",
    );
    expect(await follow(scene)).to.deep.equal({ kind: "current", tip: to });
  });

  it("does so when orchd's own folder is on another file system", async function () {
    const memory = "/dev/shm";
    await using scene = await makeScene();
    const device = (path: string) => statSync(path, { throwIfNoEntry: false })?.dev;
    if ([undefined, device(scene.gitDir)].includes(device(memory))) return this.skip();
    const elsewhere = await mkdtemp(join(memory, "orchd-test-"));
    try {
      await rm(join(scene.gitDir, "orchd"), { recursive: true, force: true });
      await symlink(elsewhere, join(scene.gitDir, "orchd"));
      await scene.land("t1", { "a.txt": "new\n" });
      expect((await follow(scene)).kind).to.equal("followed");
      await expectFollowed(scene);
      expect(await scene.repository.git("status", "--porcelain")).to.equal("");
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it("keeps edits, staged changes and untracked files that are elsewhere", async () => {
    await using scene = await makeScene();
    const { write, git } = scene.repository;
    await write("b.txt", "edited\n");
    await write("dir/c.txt", "staged\n");
    await git("add", "dir/c.txt");
    await write("mine.txt", "mine\n");
    await scene.land("t1", { "a.txt": "new\n" });
    expect((await follow(scene)).kind).to.equal("followed");
    await expectFollowed(scene);
    expect(await git("status", "--porcelain")).to.equal(" M b.txt\nM  dir/c.txt\n?? mine.txt");
  });

  it("waits for an edited file that would be touched, names it, and changes nothing", async () => {
    await using scene = await makeScene();
    await scene.repository.write("a.txt", "mine\n");
    await scene.land("t1", { "a.txt": "theirs\n", "b.txt": "theirs\n" });
    const before = await scene.oid("main");
    expect(await follow(scene)).to.deep.equal({
      kind: "waiting",
      reason: "local changes are in the way",
      paths: ["a.txt"],
    });
    expect(await scene.oid("main")).to.equal(before);
    expect(await scene.repository.git("status", "--porcelain")).to.equal(" M a.txt");
    expectNoTrace(scene);
    await scene.repository.git("checkout", "--quiet", "--", "a.txt");
    expect((await follow(scene)).kind).to.equal("followed");
  });

  it("waits for a file that they deleted and that would come back", async () => {
    await using scene = await makeScene();
    await rm(join(scene.repository.dir, "a.txt"));
    await rm(join(scene.repository.dir, "b.txt"));
    await scene.land("t1", { "a.txt": "theirs\n", "b.txt": null });
    expect(await follow(scene)).to.deep.include({ kind: "waiting", paths: ["a.txt"] });
    expect(await scene.repository.git("status", "--porcelain")).to.equal(" D a.txt\n D b.txt");
    await scene.repository.git("checkout", "--quiet", "--", "a.txt");
    expect((await follow(scene)).kind).to.equal("followed");
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
  });

  for (const point of ["follow.lock:before", "follow.tree:before", "follow.tree:after"])
    it(`does not bring back a file that they deleted at ${point}`, async () => {
      await using scene = await makeScene();
      await scene.land("t1", { "a.txt": "new\n" });
      using _ = onFailpoint(async (passed) => {
        if (passed === point) await rm(join(scene.repository.dir, "a.txt"));
        if (passed === "follow.syncIndex:after")
          await scene.repository.git("update-ref", "refs/heads/main", await commitOn(scene));
      });
      expect((await follow(scene)).kind).to.equal("waiting");
      expect(await scene.repository.git("status", "--porcelain")).to.equal(" D a.txt");
    });

  it("leaves what a revert took away that began right before it had the index lock", async () => {
    await using scene = await makeScene();
    await scene.repository.write("b.txt", "mine\n");
    await scene.repository.commit("mine");
    await scene.land("t1", { "a.txt": "new\n" });
    using _ = onFailpoint(async (passed) => {
      if (passed === "follow.lock:before")
        await scene.repository.git("revert", "HEAD~1").catch(() => undefined);
    });
    const result = await follow(scene);
    expect(result.kind === "waiting" && result.reason).to.match(/^a revert is/);
    expect(existsSync(join(scene.repository.dir, "a.txt"))).to.equal(false);
  });

  it("waits for a staged change that would be touched", async () => {
    await using scene = await makeScene();
    await scene.repository.write("a.txt", "mine\n");
    await scene.repository.git("add", "a.txt");
    await scene.land("t1", { "a.txt": null });
    expect(await follow(scene)).to.deep.include({ kind: "waiting", paths: ["a.txt"] });
    expect(await scene.repository.git("status", "--porcelain")).to.equal("M  a.txt");
  });

  it("sees an edit of the same size made within the same instant as the index", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "z\n" });
    await scene.repository.git("config", "core.trustctime", "false");
    const path = join(scene.repository.dir, "a.txt");
    const same = new Date(Date.now() - 5_000);
    await utimes(path, same, same);
    await scene.repository.git("update-index", "--refresh");
    await writeFile(path, "m\n");
    await utimes(path, same, same);
    await utimes(join(scene.gitDir, "index"), same, same);
    expect(await follow(scene)).to.deep.include({ kind: "waiting", paths: ["a.txt"] });
    expect(readFileSync(path, "utf8")).to.equal("m\n");
  });

  it("is not stopped by a file that was only touched", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n" });
    const later = new Date(Date.now() + 10_000);
    await utimes(join(scene.repository.dir, "a.txt"), later, later);
    expect((await follow(scene)).kind).to.equal("followed");
  });

  it("waits for an untracked file in the way, ignored or not, and keeps its content", async () => {
    await using scene = await makeScene({ ".gitignore": ".env\n", "a.txt": "a\n" });
    await scene.repository.write(".env", "secret\n");
    await scene.repository.write("x.txt", "mine\n");
    await scene.land("t1", { ".env": "theirs\n", "x.txt": "theirs\n" });
    expect(await follow(scene)).to.deep.equal({
      kind: "waiting",
      reason: "untracked files are in the way",
      paths: [".env", "x.txt"],
    });
    expect(readFileSync(join(scene.repository.dir, ".env"), "utf8")).to.equal("secret\n");
    expectNoTrace(scene);
  });

  it("waits when an ignored file or folder stands where a folder or file must go", async () => {
    await using scene = await makeScene({ ".gitignore": "out\nlib\n", "a.txt": "a\n" });
    await scene.repository.write("out", "mine\n");
    await scene.repository.write("lib/mine.txt", "mine\n");
    await scene.land("t1", { "out/x.txt": "x\n", lib: "a file\n" });
    expect(await follow(scene)).to.deep.include({
      kind: "waiting",
      paths: ["out", "lib/mine.txt"].toSorted(),
    });
  });

  it("replaces a tracked folder by a file and a file by a folder", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "dir/c.txt": null, dir: "a file\n", "a.txt": null, "a.txt/b": "b\n" });
    expect((await follow(scene)).kind).to.equal("followed");
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
  });

  it("does not write through a symbolic link that leads out of the repository", async () => {
    await using scene = await makeScene();
    const outside = join(scene.repository.dir, "..", "outside");
    await mkdir(outside);
    await symlink(outside, join(scene.repository.dir, "new"));
    await scene.land("t1", { "new/x.txt": "x\n" });
    expect(await follow(scene)).to.deep.include({ kind: "waiting", paths: ["new"] });
    expect(readdirSync(outside)).to.deep.equal([]);
  });

  it("writes files with the person's line endings", async () => {
    await using scene = await makeScene();
    await scene.repository.git("config", "--global", "core.autocrlf", "true");
    await scene.land("t1", { "a.txt": "one\ntwo\n" });
    const home = process.env["HOME"];
    process.env["HOME"] = scene.repository.env["HOME"];
    try {
      expect((await follow(scene)).kind).to.equal("followed");
    } finally {
      process.env["HOME"] = home;
    }
    const text = readFileSync(join(scene.repository.dir, "a.txt"), "utf8");
    expect(text).to.equal("one\r\ntwo\r\n");
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
  });

  it("leaves out what a sparse checkout leaves out", async () => {
    await using scene = await makeScene();
    await scene.repository.git("sparse-checkout", "set", "--no-cone", "/*.txt");
    await scene.land("t1", { "a.txt": "new\n", "dir/c.txt": "new\n", "dir/d.txt": "new\n" });
    expect((await follow(scene)).kind).to.equal("followed");
    expect(existsSync(join(scene.repository.dir, "dir"))).to.equal(false);
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
  });

  it("waits while the person holds the index lock, and leaves it to them", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n" });
    const lock = join(scene.gitDir, "index.lock");
    await writeFile(lock, "theirs");
    expect((await follow(scene)).kind).to.equal("waiting");
    expect(readFileSync(lock, "utf8")).to.equal("theirs");
    await rm(lock);
    expect((await follow(scene)).kind).to.equal("followed");
  });

  it("waits when the person takes the index lock at the last moment", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n" });
    const lock = join(scene.gitDir, "index.lock");
    using _ = onFailpoint(async (point) => {
      if (point === "follow.intent:after") await writeFile(lock, "theirs");
    });
    const landing = scene.restart();
    await landing.prepare();
    expect((await landing.follow({ from: null })).kind).to.equal("waiting");
    expect(readFileSync(lock, "utf8")).to.equal("theirs");
    expect(existsSync(join(scene.gitDir, "orchd", "follow.json"))).to.equal(false);
  });

  for (const [what, file] of [
    ["a merge", "MERGE_HEAD"],
    ["a cherry-pick", "CHERRY_PICK_HEAD"],
    ["a revert", "REVERT_HEAD"],
  ] as const)
    it(`waits while ${what} is in progress`, async () => {
      await using scene = await makeScene();
      await scene.land("t1", { "a.txt": "new\n" });
      await writeFile(join(scene.gitDir, file), `${await scene.oid("main")}\n`);
      const result = await follow(scene);
      expect(result.kind === "waiting" && result.reason).to.match(new RegExp(`^${what} is`));
      await rm(join(scene.gitDir, file));
      expect((await follow(scene)).kind).to.equal("followed");
    });

  it("waits while a rebase has the target detached", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n" });
    await scene.repository.write("b.txt", "mine\n");
    await scene.repository.commit("mine");
    await scene.repository.git("-c", "sequence.editor=sed -i 1ibreak", "rebase", "-i", "HEAD~1");
    const before = await scene.oid("main");
    const result = await follow(scene);
    expect(result.kind === "waiting" && result.reason).to.match(/^a rebase/);
    expect(await scene.oid("main")).to.equal(before);
  });

  it("goes back when the person switches branches under it", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n" });
    await scene.repository.git("branch", "other");
    using _ = onFailpoint(async (point) => {
      if (point === "follow.syncIndex:after")
        await scene.repository.git("symbolic-ref", "HEAD", "refs/heads/other");
    });
    const landing = scene.restart();
    await landing.prepare();
    const before = await scene.oid("main");
    expect((await landing.follow({ from: null })).kind).to.equal("waiting");
    expect(await scene.oid("main")).to.equal(before);
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
    expectNoTrace(scene);
  });

  for (const point of ["follow.target:before", "follow.target:after"])
    it(`gives the files back when the person is on another branch at ${point}`, async () => {
      await using scene = await makeScene();
      const to = await scene.land("t1", { "a.txt": "new\n", "n.txt": "added\n" });
      await scene.repository.git("branch", "other");
      using _ = onFailpoint(async (passed) => {
        if (passed === point)
          await scene.repository.git("symbolic-ref", "HEAD", "refs/heads/other");
      });
      expect(await follow(scene)).to.deep.include({ kind: "followed", to });
      expect(await scene.oid("main")).to.equal(to);
      expect(await scene.repository.git("status", "--porcelain")).to.equal("");
      expectNoTrace(scene);
    });

  it("completes the checkout of a target that is renamed in the moment in which it moved", async () => {
    await using scene = await makeScene();
    const to = await scene.land("t1", { "a.txt": "new\n", "n.txt": "added\n" });
    using _ = onFailpoint(async (passed) => {
      if (passed === "follow.target:after")
        await scene.repository.git("branch", "-m", "main", "trunk");
    });
    expect(await follow(scene)).to.deep.include({ kind: "followed", to });
    expect(await scene.repository.git("rev-parse", "HEAD")).to.equal(to);
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
    expectNoTrace(scene);
  });

  it("writes no file when the target moved before it had the index lock", async () => {
    await using scene = await makeScene();
    await scene.repository.write("b.txt", "mine\n");
    await scene.repository.commit("mine");
    await scene.land("t1", { "a.txt": "new\n" });
    const points: string[] = [];
    using _ = onFailpoint(async (point) => {
      points.push(point);
      if (point === "follow.lock:before")
        await scene.repository.git("reset", "--quiet", "--soft", "HEAD~1");
    });
    expect((await follow(scene)).kind).to.equal("waiting");
    expect(points).to.include("follow.lock:after").and.not.include("follow.tree:before");
    expect(await scene.repository.git("status", "--porcelain")).to.equal("M  b.txt");
    expectNoTrace(scene);
  });

  it("goes back when the target moves under it", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n" });
    const before = await scene.oid("main");
    using passing = onFailpoint(async (point) => {
      if (point !== "follow.syncIndex:after") return;
      await scene.repository.git("update-ref", "refs/heads/main", await commitOn(scene));
    });
    const landing = scene.restart();
    await landing.prepare();
    const result = await landing.follow({ from: null });
    passing[Symbol.dispose]();
    expect(result.kind).to.equal("waiting");
    expect(await scene.oid("main^")).to.equal(before);
    expect((await follow(scene)).kind).to.equal("followed");
    await expectFollowed(scene);
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
  });

  it("is fenced by a newer epoch and leaves the checkout as it was", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n" });
    using _ = onFailpoint(async (point) => {
      if (point !== "follow.syncIndex:after") return;
      const blob = await scene.oid("HEAD:b.txt");
      await scene.repository.git("update-ref", "refs/orchd/epoch", blob);
    });
    const landing = scene.restart();
    await landing.prepare();
    expect(await landing.follow({ from: null })).to.deep.equal({ kind: "fenced" });
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
  });
});

describe("following elsewhere", () => {
  it("moves a target that nobody has checked out by its ref alone", async () => {
    await using scene = await makeScene();
    await scene.repository.git("checkout", "--quiet", "-b", "feature");
    await scene.repository.write("a.txt", "mine\n");
    const to = await scene.land("t1", { "a.txt": "new\n" });
    expect(await follow(scene)).to.deep.include({ kind: "followed", to });
    expect(await scene.oid("main")).to.equal(to);
    expect(await scene.repository.git("status", "--porcelain")).to.equal(" M a.txt");
  });

  for (const [when, point] of [
    ["before", "unseen.move:before"],
    ["after", "unseen.move:after"],
  ] as const)
    it(`has the new files in a checkout that is made right ${when} the ref moves`, async () => {
      await using scene = await makeScene();
      await scene.repository.git("checkout", "--quiet", "--detach");
      const to = await scene.land("t1", { "a.txt": "new\n", "n.txt": "added\n" });
      using _ = onFailpoint(async (passed) => {
        if (passed === point) await scene.repository.git("checkout", "--quiet", "main");
      });
      expect(await follow(scene)).to.deep.include({ kind: "followed", to });
      expect(await scene.oid("main")).to.equal(to);
      expect(await scene.repository.git("status", "--porcelain")).to.equal("");
      expect(readFileSync(join(scene.repository.dir, "n.txt"), "utf8")).to.equal("added\n");
    });

  it("puts the ref back under a checkout that carries a staged change of the same file along", async () => {
    const lines = (first: string, last: string): string => `${first}\n2\n3\n4\n5\n6\n${last}\n`;
    await using scene = await makeScene({ "a.txt": lines("1", "7") });
    const { git, write } = scene.repository;
    await git("checkout", "--quiet", "--detach");
    await write("a.txt", lines("1", "staged"));
    await git("add", "a.txt");
    await scene.land("t1", { "a.txt": lines("landed", "7") });
    const before = await scene.oid("main");
    using _ = onFailpoint(async (passed) => {
      if (passed === "unseen.move:before") await git("checkout", "--quiet", "main");
    });
    expect(await follow(scene)).to.deep.include({ kind: "waiting", paths: ["a.txt"] });
    expect(await scene.oid("main")).to.equal(before);
    expect(await git("diff", "--cached", "--unified=0", "--no-color")).to.include("+staged");
    expect(await git("diff", "--cached", "--unified=0", "--no-color")).to.not.include("landed");
    expectNoTrace(scene);
  });

  it("does not count a checkout with a detached HEAD", async () => {
    await using scene = await makeScene();
    await scene.repository.git("checkout", "--quiet", "--detach");
    const to = await scene.land("t1", { "a.txt": "new\n" });
    expect(await follow(scene)).to.deep.include({ kind: "followed", to });
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
  });

  it("counts a checkout by another name of the target", async () => {
    await using scene = await makeScene();
    await scene.repository.git("symbolic-ref", "refs/heads/master", "refs/heads/main");
    await scene.repository.git("checkout", "--quiet", "master");
    const to = await scene.land("t1", { "a.txt": "new\n" });
    expect(await follow(scene)).to.deep.include({ kind: "followed", to });
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
    expect(await scene.repository.git("symbolic-ref", "--no-recurse", "HEAD")).to.equal(
      "refs/heads/master",
    );
    expectNoTrace(scene);
  });

  it("counts a checkout whose HEAD is a symbolic link", async () => {
    await using scene = await makeScene();
    await scene.repository.git("-c", "core.preferSymlinkRefs=true", "checkout", "-b", "other");
    await scene.repository.git("-c", "core.preferSymlinkRefs=true", "checkout", "main");
    const to = await scene.land("t1", { "a.txt": "new\n" });
    expect(await follow(scene)).to.deep.include({ kind: "followed", to });
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
    expectNoTrace(scene);
  });

  it("updates a linked working tree that is named by a relative path", async () => {
    await using scene = await makeScene();
    const linked = join(scene.repository.dir, "..", "linked");
    await scene.repository.git("checkout", "--quiet", "-b", "feature");
    await scene.repository.git("worktree", "add", "--quiet", linked, "main");
    await writeFile(join(scene.gitDir, "worktrees/linked/gitdir"), "../../../../linked/.git\n");
    const to = await scene.land("t1", { "a.txt": "new\n" });
    expect(await follow(scene)).to.deep.include({ kind: "followed", to });
    expect(readFileSync(join(linked, "a.txt"), "utf8")).to.equal("new\n");
    expectNoTrace(scene);
  });

  it("updates the linked working tree that has the target checked out", async () => {
    await using scene = await makeScene();
    const linked = join(scene.repository.dir, "..", "linked");
    await scene.repository.git("checkout", "--quiet", "-b", "feature");
    await scene.repository.git("worktree", "add", "--quiet", linked, "main");
    const to = await scene.land("t1", { "a.txt": "new\n" });
    expect(await follow(scene)).to.deep.include({ kind: "followed", to });
    expect(readFileSync(join(linked, "a.txt"), "utf8")).to.equal("new\n");
    expect(readFileSync(join(scene.repository.dir, "a.txt"), "utf8")).to.equal("a\n");
    expect(await scene.repository.git("-C", linked, "status", "--porcelain")).to.equal("");
    expectNoTrace(scene);
  });

  it("waits when the working tree that has it checked out is not there", async () => {
    await using scene = await makeScene();
    const linked = join(scene.repository.dir, "..", "linked");
    await scene.repository.git("checkout", "--quiet", "-b", "feature");
    await scene.repository.git("worktree", "add", "--quiet", linked, "main");
    await rm(linked, { recursive: true });
    await scene.land("t1", { "a.txt": "new\n" });
    expect((await follow(scene)).kind).to.equal("waiting");
  });

  it("waits when the target was deleted or renamed", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "new\n" });
    await scene.repository.git("branch", "-m", "main", "trunk");
    expect((await follow(scene)).kind).to.equal("waiting");
    await scene.land("t2", { "b.txt": "lands all the same\n" });
  });
});
