import { execFile } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { chmod, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import type { Landing } from "../../../daemon/landing/landing.ts";
import { makeScene } from "./scene.ts";
import type { Scene } from "./scene.ts";

const run = promisify(execFile);
const child = join(import.meta.dirname, "dyingFollow.ts");

/** Long enough that a torn write has a page in it. */
const long = (word: string): string => `${word}\n`.repeat(3_000);

async function preparedScene(): Promise<Scene> {
  const scene = await makeScene({
    "a.txt": long("old"),
    "b.txt": "b\n",
    "c/d.txt": "d\n",
    "e.txt": "e\n",
  });
  await scene.land("t1", {
    "a.txt": long("new"),
    "b.txt": null,
    "c/d.txt": "new\n",
    "f/g.txt": "added\n",
  });
  await scene.repository.write("e.txt", "staged by the person\n");
  await scene.repository.git("add", "e.txt");
  return scene;
}

async function dieAt(scene: Scene, step: string): Promise<void> {
  const args = [child, scene.gitDir, scene.repository.dir, step];
  const { signal } = await run(process.execPath, args, { env: scene.repository.env }).then(
    ({ stdout }) => {
      throw new Error(`it lived: ${stdout}`);
    },
    (error: { signal?: string }) => error,
  );
  expect(signal).to.equal("SIGKILL");
}

async function nextSupervisor(scene: Scene): Promise<Landing> {
  const landing = scene.restart({ epoch: 3 });
  const start = await landing.prepare();
  expect(start.kind, JSON.stringify(start)).to.equal("ready");
  return landing;
}

/** Everything as one of the two commits has it, with the person's staged file beside it. */
async function expectWhole(scene: Scene, revision: string): Promise<void> {
  const { git } = scene.repository;
  expect(await scene.oid("main")).to.equal(await scene.oid(revision));
  expect(await git("status", "--porcelain")).to.equal("M  e.txt");
  expect(await git("diff", "--name-only", revision)).to.equal("e.txt");
  expect(await git("fsck", "--strict", "--no-dangling")).to.equal("");
  const names = readdirSync(scene.gitDir, { recursive: true, encoding: "utf8" });
  const traces = names.filter((name) => name.endsWith(".lock") || name.startsWith("orchd/follow"));
  expect(traces).to.deep.equal([]);
}

const outcomes: readonly (readonly [string, "old" | "new"])[] = [
  ["follow.intent:after", "old"],
  ["follow.lock:after", "old"],
  ["follow.copy:after", "old"],
  ["follow.syncIndex:after", "old"],
  ["follow.target:after", "new"],
  ["follow.place:after", "new"],
  ["follow.unlock:after", "new"],
];

describe("a supervisor killed while following", () => {
  for (const [step, outcome] of outcomes)
    it(`leaves a checkout that is entirely ${outcome} after ${step} and recovery`, async () => {
      await using scene = await preparedScene();
      const old = await scene.oid("main");
      await dieAt(scene, step);
      const landing = await nextSupervisor(scene);
      await expectWhole(scene, outcome === "old" ? old : "orchd/main");
      expect(await landing.recoverFollow()).to.deep.equal({ kind: "none" });
      const followed = await landing.follow({ from: null });
      expect(followed.kind).to.equal(outcome === "old" ? "followed" : "current");
      await expectWhole(scene, "orchd/main");
    });

  it("has files that git was writing taken back, torn ones too", async () => {
    await using scene = await preparedScene();
    const { dir, write } = scene.repository;
    const old = await scene.oid("main");
    await dieAt(scene, "follow.copy:after");
    await rm(join(dir, "b.txt"));
    await write("c/d.txt", "new\n");
    await write("a.txt", long("new").slice(0, 4096));
    await write("f/g.txt", "");
    await nextSupervisor(scene);
    await expectWhole(scene, old);
    expect(existsSync(join(dir, "f"))).to.equal(false);
  });

  it("has files that a killed recovery was writing written again", async () => {
    await using scene = await preparedScene();
    const old = await scene.oid("main");
    await dieAt(scene, "follow.copy:after");
    await scene.repository.write("a.txt", long("old").slice(0, 4096));
    await scene.repository.write("b.txt", "");
    await nextSupervisor(scene);
    await expectWhole(scene, old);
  });

  it("restores a file that was removed and not yet written, and its mode", async () => {
    await using scene = await preparedScene();
    await dieAt(scene, "follow.target:after");
    const path = join(scene.repository.dir, "c/d.txt");
    await rm(path);
    await chmod(join(scene.repository.dir, "a.txt"), 0o644);
    await nextSupervisor(scene);
    await expectWhole(scene, "orchd/main");
    expect((await stat(path)).mode & 0o777).to.equal(0o644);
  });

  for (const step of ["follow.copy:after", "follow.target:after"] as const)
    it(`leaves out what a sparse checkout leaves out when it recovers from ${step}`, async () => {
      await using scene = await preparedScene();
      await scene.repository.git("sparse-checkout", "set", "--no-cone", "/*.txt");
      await dieAt(scene, step);
      await nextSupervisor(scene);
      expect(await scene.repository.git("status", "--porcelain")).to.equal("M  e.txt");
      expect(existsSync(join(scene.repository.dir, "c"))).to.equal(false);
      expect(existsSync(join(scene.repository.dir, "f"))).to.equal(false);
    });

  it("leaves what the person wrote meanwhile, and names it", async () => {
    await using scene = await preparedScene();
    await dieAt(scene, "follow.syncIndex:after");
    await scene.repository.write("a.txt", "written after the crash\n");
    const landing = scene.restart({ epoch: 3 });
    const start = await landing.prepare();
    expect(start.kind === "ready" && start.follow).to.deep.include({
      kind: "settled",
      at: "old",
      leftPaths: ["a.txt"],
    });
    const text = readFileSync(join(scene.repository.dir, "a.txt"), "utf8");
    expect(text).to.equal("written after the crash\n");
    expect(await scene.repository.git("status", "--porcelain")).to.equal(" M a.txt\nM  e.txt");
  });

  it("leaves an index lock that has another inode alone, and goes on when it is gone", async () => {
    await using scene = await preparedScene();
    await dieAt(scene, "follow.target:after");
    const lock = join(scene.gitDir, "index.lock");
    await rm(lock);
    await writeFile(lock, "theirs");
    const landing = scene.restart({ epoch: 3 });
    const start = await landing.prepare();
    expect(start.kind === "ready" && start.follow.kind).to.equal("busy");
    expect(start.kind === "ready" && start.foreignLocks).to.deep.equal([lock]);
    expect((await landing.follow({ from: null })).kind).to.equal("waiting");
    expect(readFileSync(lock, "utf8")).to.equal("theirs");
    await rm(lock);
    expect((await landing.follow({ from: null })).kind).to.equal("current");
    await expectWhole(scene, "orchd/main");
  });

  it("brings the index forward when the person removed the lock and staged more", async () => {
    await using scene = await preparedScene();
    await dieAt(scene, "follow.target:after");
    await rm(join(scene.gitDir, "index.lock"));
    await scene.repository.write("more.txt", "more\n");
    await scene.repository.git("add", "more.txt");
    await nextSupervisor(scene);
    expect(await scene.repository.git("status", "--porcelain")).to.equal("M  e.txt\nA  more.txt");
  });

  for (const point of [
    "recover.copy:before",
    "recover.copy:after",
    "recover.tree:after",
    "recover.place:before",
  ])
    it(`brings the index forward after the lock was removed and a recovery was killed at ${point}`, async () => {
      await using scene = await preparedScene();
      await dieAt(scene, "follow.target:after");
      await rm(join(scene.gitDir, "index.lock"));
      await dieAt(scene, point);
      await nextSupervisor(scene);
      await expectWhole(scene, "orchd/main");
    });

  it("touches nothing when the person removed the lock and went on to another branch", async () => {
    await using scene = await preparedScene();
    await dieAt(scene, "follow.lock:after");
    await rm(join(scene.gitDir, "index.lock"));
    await scene.repository.git("checkout", "--quiet", "-b", "other");
    const landing = scene.restart({ epoch: 3 });
    const start = await landing.prepare();
    expect(start.kind === "ready" && start.follow.kind).to.equal("abandoned");
    expect(await scene.repository.git("status", "--porcelain")).to.equal("M  e.txt");
    expect(existsSync(join(scene.gitDir, "index.lock"))).to.equal(false);
  });

  it("is not stopped by what a git killed during the rehearsal left", async () => {
    await using scene = await preparedScene();
    await mkdir(join(scene.gitDir, "orchd"), { recursive: true });
    for (const name of ["orchd-follow.index.lock", "orchd/follow.check.lock"])
      await writeFile(join(scene.gitDir, name), "");
    const landing = await nextSupervisor(scene);
    expect((await landing.follow({ from: null })).kind).to.equal("followed");
    await expectWhole(scene, "orchd/main");
  });

  it("can be killed again while it recovers", async () => {
    await using scene = await preparedScene();
    await dieAt(scene, "follow.target:after");
    await dieAt(scene, "follow.unlock:after");
    await nextSupervisor(scene);
    await expectWhole(scene, "orchd/main");
  });

  it("puts the branch back under a checkout that was made right before it moved", async () => {
    await using scene = await makeScene({ "a.txt": "old\n" });
    const { git } = scene.repository;
    await git("checkout", "--quiet", "--detach");
    const to = await scene.land("t1", { "a.txt": "new\n", "n.txt": "added\n" });
    const old = await scene.oid("main");
    await dieAt(scene, "unseen.move:after");
    expect(await scene.oid("main")).to.equal(to);
    // As a checkout leaves it that read the branch before it moved.
    await git("symbolic-ref", "HEAD", "refs/heads/main");
    const landing = await nextSupervisor(scene);
    expect(await scene.oid("main")).to.equal(old);
    expect(await git("status", "--porcelain")).to.equal("");
    expect((await landing.follow({ from: null })).kind).to.equal("followed");
    expect(await scene.oid("main")).to.equal(to);
    expect(await git("status", "--porcelain")).to.equal("");
  });

  it("leaves the branch where it is when it was checked out after it moved, and changed", async () => {
    await using scene = await makeScene({ "a.txt": "old\n" });
    const { git } = scene.repository;
    await git("checkout", "--quiet", "--detach");
    const to = await scene.land("t1", { "a.txt": "new\n", "n.txt": "added\n" });
    await dieAt(scene, "unseen.move:after");
    await git("checkout", "--quiet", "main");
    await git("rm", "--quiet", "a.txt");
    await nextSupervisor(scene);
    expect(await scene.oid("main")).to.equal(to);
    expect(await git("status", "--porcelain")).to.equal("D  a.txt");
  });
});
