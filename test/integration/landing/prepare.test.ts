import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { createLanding } from "../../../daemon/landing/landing.ts";
import { epochInRepository } from "../../../daemon/landing/prepare.ts";
import type { LandingStart } from "../../../daemon/landing/prepare.ts";
import { onFailpoint } from "../../../system/failpoint.ts";
import { makeRepository } from "../../helpers/repository.ts";
import type { TestRepository } from "../../helpers/repository.ts";
import { until } from "../../helpers/until.ts";
import { makeScene } from "./scene.ts";

async function withIdentity(): Promise<TestRepository> {
  const repository = await makeRepository();
  await repository.git("config", "user.name", "Test Person");
  await repository.git("config", "user.email", "person@example.com");
  return repository;
}

const lockedMs = 300;

const landingOn = ({ dir }: TestRepository, target = "main", epoch = 1) =>
  createLanding({ gitDir: join(dir, ".git"), workTree: dir, target, epoch });

function refusal(start: LandingStart): string {
  return start.kind === "refused" ? start.failure.message : JSON.stringify(start);
}

describe("preparing to land", () => {
  it("makes orchd's branch at the target's tip and writes the epoch", async () => {
    await using repository = await withIdentity();
    const tip = await repository.git("rev-parse", "main");
    expect(await landingOn(repository, "main", 7).prepare()).to.deep.equal({
      kind: "ready",
      tip,
      targetTip: tip,
      identity: { name: "Test Person", email: "person@example.com" },
      killed: [],
      removedLocks: [],
      foreignLocks: [],
      follow: { kind: "none" },
    });
    expect(await repository.git("cat-file", "blob", "refs/orchd/epoch")).to.equal("epoch 7");
    expect(await repository.git("rev-parse", "orchd/main")).to.equal(tip);
    expect(await repository.git("fsck", "--strict", "--no-dangling")).to.equal("");
  });

  it("keeps the branch that is there", async () => {
    await using scene = await makeScene();
    const tip = await scene.land("t1", { "a.txt": "new\n" });
    const start = await scene.restart({ epoch: 2 }).prepare();
    expect(start.kind === "ready" && start.tip).to.equal(tip);
  });

  it("is refused when a later epoch has been written", async () => {
    await using repository = await withIdentity();
    await landingOn(repository, "main", 7).prepare();
    expect(refusal(await landingOn(repository, "main", 6).prepare())).to.match(/newer supervisor/);
    expect(await repository.git("cat-file", "blob", "refs/orchd/epoch")).to.equal("epoch 7");
  });

  it("removes lock files of its own refs and reports every other", async () => {
    await using scene = await makeScene();
    const lock = (path: string): string => join(scene.gitDir, path);
    const own = [lock("refs/heads/orchd/main.lock"), lock("refs/orchd/epoch.lock")];
    const foreign = ["HEAD.lock", "index.lock", "packed-refs.lock", "refs/heads/main.lock"].map(
      lock,
    );
    for (const path of [...own, ...foreign]) await writeFile(path, "");
    const start = await scene.restart({ epoch: 2 }).prepare();
    if (start.kind !== "ready") throw new Error(refusal(start));
    expect(start.removedLocks).to.have.members(own);
    expect(start.foreignLocks).to.have.members(foreign);
    expect(foreign.every((path) => existsSync(path))).to.equal(true);
    expect(own.some((path) => existsSync(path))).to.equal(false);
  });

  it("is ready although a git gc of the person takes the epoch away before its ref names it", async () => {
    await using scene = await makeScene();
    let prunes = 0;
    using _ = onFailpoint(async (point) => {
      if (point !== "epoch.ref:before" || prunes > 0) return;
      prunes += 1;
      await scene.repository.git("prune", "--expire=now");
    });
    const start = await scene.restart({ epoch: 2 }).prepare();
    expect(start.kind, refusal(start)).to.equal("ready");
    expect(prunes).to.equal(1);
    expect(await scene.repository.git("cat-file", "blob", "refs/orchd/epoch")).to.equal("epoch 2");
  });

  it("writes the epoch again that a git gc --prune=now has taken away under its ref", async () => {
    await using scene = await makeScene();
    const takeAway = async (): Promise<void> => {
      const blob = await scene.oid("refs/orchd/epoch");
      await rm(join(scene.gitDir, "objects", blob.slice(0, 2), blob.slice(2)));
    };
    const tip = await scene.oid("main");
    await takeAway();
    expect(await scene.landing.view()).to.deep.include({ tip, targetTip: tip });
    expect(await scene.repository.git("cat-file", "blob", "refs/orchd/epoch")).to.equal("epoch 1");
    await takeAway();
    expect(await epochInRepository(scene.gitDir)).to.equal(1);
    await takeAway();
    const start = await scene.restart({ epoch: 2 }).prepare();
    expect(start.kind, refusal(start)).to.equal("ready");
    await scene.repository.git("gc", "--quiet");
  });

  it("waits for a git that has the epoch's ref locked, and says so when that takes too long", async function () {
    if (process.platform !== "linux") this.skip();
    this.timeout(30_000);
    await using scene = await makeScene();
    const lock = join(scene.gitDir, "refs/orchd/epoch.lock");
    // As `git gc` is seen that packs this ref, and another.
    const packing = spawn("sh", ["-c", "read line", "gc"], {
      argv0: "git",
      cwd: scene.repository.dir,
      stdio: ["pipe", "ignore", "ignore"],
    });
    await once(packing, "spawn");
    let held = 0;
    using _ = onFailpoint(async (point) => {
      if (point !== "epoch.ref:before") return;
      held += 1;
      await writeFile(lock, "");
      if (held === 1) setTimeout(() => void rm(lock), lockedMs);
    });
    const waited = await scene.restart({ epoch: 2 }).prepare();
    expect(waited.kind, refusal(waited)).to.equal("ready");
    const late = await scene.restart({ epoch: 3 }).prepare();
    expect(refusal(late)).to.equal(`${lock} is there for more than 5 s: a git has locked it`);
    expect(late.kind === "refused" && late.failure.hint).to.match(/git gc.*orchd doctor/);
    expect(existsSync(lock)).to.equal(true);
    packing.stdin.end();
    await once(packing, "exit");
    await rm(lock);
  });

  it("ends a git that a dead supervisor left running, and only such a one", async function () {
    if (process.platform !== "linux") this.skip();
    await using scene = await makeScene();
    const ended = spawn(process.execPath, ["-e", ""]);
    await once(ended, "exit");
    const start = (writer: number | undefined) =>
      spawn("git", [`--git-dir=${scene.gitDir}`, "cat-file", "--batch"], {
        env: { ...scene.repository.env, ORCHD_WRITER: `${writer}` },
        stdio: ["pipe", "ignore", "ignore"],
      });
    const leftOver = start(ended.pid);
    const living = [start(process.pid), start(process.ppid)];
    await Promise.all([leftOver, ...living].map((child) => once(child, "spawn")));
    const begun = await scene.restart({ epoch: 2 }).prepare();
    expect(begun.kind === "ready" && begun.killed).to.deep.equal([leftOver.pid]);
    await until(() => leftOver.signalCode === "SIGKILL");
    for (const child of living) {
      expect(child.exitCode ?? child.signalCode).to.equal(null);
      child.stdin?.end();
      await once(child, "exit");
    }
  });

  it("is refused where there is a branch named orchd", async () => {
    await using repository = await withIdentity();
    await repository.git("branch", "orchd");
    expect(refusal(await landingOn(repository).prepare())).to.match(/branch named orchd/);
  });

  it("is refused while orchd's branch is checked out, in a linked working tree too", async () => {
    await using scene = await makeScene();
    const linked = join(scene.repository.dir, "..", "linked");
    await scene.repository.git("worktree", "add", "--quiet", linked, "orchd/main");
    expect(refusal(await scene.restart({ epoch: 2 }).prepare())).to.match(
      /checked out in .*linked/,
    );
  });

  it("is refused without the target", async () => {
    await using repository = await withIdentity();
    expect(refusal(await landingOn(repository, "trunk").prepare())).to.match(
      /no branch trunk with a commit/,
    );
  });

  it("is refused in a shallow clone, a partial clone and a bare repository", async () => {
    await using repository = await withIdentity();
    await repository.commit("second");
    const dir = join(repository.dir, "..", "clone");
    await repository.git("clone", "--quiet", "--depth=1", `file://${repository.dir}`, dir);
    expect(refusal(await landingOn({ ...repository, dir }).prepare())).to.match(/shallow/);
    await repository.git("config", "extensions.partialClone", "origin");
    expect(refusal(await landingOn(repository).prepare())).to.match(/partial/);
    await repository.git("config", "--unset", "extensions.partialClone");
    await repository.git("config", "core.bare", "true");
    expect(refusal(await landingOn(repository).prepare())).to.match(/bare/);
  });

  it("is refused when git does not know who the person is", async () => {
    await using repository = await makeRepository();
    const home = join(repository.dir, "..", "nobody");
    await mkdir(home);
    const before = { ...process.env };
    process.env["HOME"] = home;
    delete process.env["XDG_CONFIG_HOME"];
    try {
      expect(refusal(await landingOn(repository).prepare())).to.match(/who you are/);
    } finally {
      Object.assign(process.env, before);
    }
  });
});
