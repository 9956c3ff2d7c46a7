import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { isGone } from "../../helpers/processes.ts";
import { until } from "../../helpers/until.ts";
import { makeScene } from "./scene.ts";
import type { KeptRef } from "../../../daemon/core/retention.ts";
import type { Scene } from "./scene.ts";

const run = promisify(execFile);

async function refsOf({ repository }: Scene): Promise<string[]> {
  return (await repository.git("for-each-ref", "--format=%(refname)")).split("\n");
}

async function kept({ landing }: Scene, ...names: readonly string[]): Promise<KeptRef[]> {
  const refs = await landing.keeping.refs(0);
  return refs.filter(({ name }) => names.some((one) => name.endsWith(one)));
}

describe("refs that are kept no longer", () => {
  it("go in one transaction, and no other with them", async function () {
    this.timeout(30_000);
    await using scene = await makeScene();
    for (const task of ["t1", "t2", "t3"]) await scene.land(task, { [`${task}.txt`]: task });
    const before = await refsOf(scene);
    const going = await kept(scene, "/t1", "/t3");
    expect(await scene.landing.keeping.drop(going)).to.deep.equal({ kind: "dropped" });
    const gone = before.filter((name) => !/candidates\/t[13]$/.test(name));
    expect(await refsOf(scene)).to.deep.equal(gone);
  });

  it("stay, all of them, when one has changed, and when a newer supervisor has taken over", async () => {
    await using scene = await makeScene();
    for (const task of ["t1", "t2"]) await scene.land(task, { [`${task}.txt`]: task });
    const going = await kept(scene, "/t1", "/t2");
    await scene.repository.git("update-ref", "refs/orchd/candidates/t2", "main");
    const before = await refsOf(scene);
    expect((await scene.landing.keeping.drop(going)).kind).to.equal("problem");
    expect(await scene.landing.keeping.isOurs()).to.equal(true);
    await scene.repository.git("pack-refs", "--all");
    expect(await scene.landing.keeping.isOurs()).to.equal(true);
    const next = scene.restart({ epoch: 2 });
    await next.prepare();
    expect([await next.keeping.isOurs(), await scene.landing.keeping.isOurs()]).to.deep.equal([
      true,
      false,
    ]);
    const again = await kept(scene, "/t1", "/t2");
    expect(await scene.landing.keeping.drop(again)).to.deep.equal({ kind: "fenced" });
    expect(await refsOf(scene)).to.deep.equal(before);
  });

  it("are counted with the bytes that nothing else names", async () => {
    await using scene = await makeScene();
    const { saved } = await scene.save({ "large.txt": Math.random().toString(36).repeat(2_000) });
    await scene.repository.git("update-ref", "refs/orchd/attempts/t1/1", saved);
    await scene.repository.git("update-ref", "refs/orchd/attempts/t2/1", "orchd/main");
    const bytes = await scene.landing.keeping.bytes(await kept(scene, "/t1/1", "/t2/1"));
    expect(bytes).to.be.greaterThan(300);
    expect(await scene.landing.keeping.bytes(await kept(scene, "/t2/1"))).to.equal(0);
  });

  it("are as old as their commits, and a rewind as old as its name says", async () => {
    await using scene = await makeScene();
    await scene.repository.git("update-ref", "refs/orchd/rewound/20261121T094310123Z", "main");
    const [rewind] = await kept(scene, "123Z");
    expect(rewind?.at).to.equal(Date.parse("2026-11-21T09:43:10.123Z"));
    await scene.land("t1", { "a.txt": "b" });
    const [candidate] = await kept(scene, "/t1");
    expect(candidate?.at).to.equal(1_700_000_000_000);
  });
});

/** `ORCHD_TEST_LANDINGS=500` for a long look. */
const landings = Number(process.env["ORCHD_TEST_LANDINGS"] ?? 32);
const landingsBetween = 8;

describe("packing", () => {
  it("keeps the loose objects of many landings few, with everything whole and workspaces at work", async function () {
    this.timeout(120_000);
    await using scene = await makeScene();
    const { repository, landing } = scene;
    // As a worker's: objects of its own, everything else read from the repository.
    const workspace = join(repository.dir, "../workspace");
    await repository.git("clone", "--quiet", "--shared", "--no-checkout", ".", workspace);
    const lost = await unnamed(scene, "of a person, and named by nothing\n");
    const counts: number[] = [];
    for (let at = 0; at < landings; at += 1) {
      await scene.land(`t${at}`, { [`f${at % 20}.txt`]: `${at}\n` });
      if ((at + 1) % landingsBetween !== 0) continue;
      counts.push(await looseOf(scene));
      const repack = landing.keeping.repack(new AbortController().signal);
      // Something lands while it packs.
      await scene.land(`beside${at}`, { "beside.txt": `${at}\n` });
      expect(await repack.problem).to.equal(null);
    }
    expect(Math.max(...counts)).to.be.lessThan(2 * (counts[0] ?? 0));
    expect(await looseOf(scene)).to.be.lessThan(15);
    const { packs } = await landing.keeping.clutter();
    expect(packs).to.be.lessThan(8);
    await repository.git("fsck", "--strict", "--no-progress");
    expect(await repository.git("cat-file", "blob", lost)).to.match(/of a person/);
    await repository.git("-C", workspace, "fsck", "--no-progress");
    await repository.git("-C", workspace, "checkout", "--quiet", await scene.oid("orchd/main"));
    expect(await repository.git("-C", workspace, "status", "--porcelain")).to.equal("");
  });

  it("may be killed anywhere: everything is there, no lock is left, and the next one goes through", async function () {
    this.timeout(60_000);
    await using scene = await makeScene();
    const { repository, landing } = scene;
    const lost = await unnamed(scene, "named by nothing\n");
    for (let at = 0; at < 10; at += 1) await scene.land(`t${at}`, { "f.txt": `${at}\n` });
    for (const moment of moments) {
      await using stopping = await gitThatStops(scene, moment);
      const stop = new AbortController();
      const repack = landing.keeping.repack(stop.signal);
      await until(stopping.isReached, { what: moment, timeoutMs: 30_000 });
      stop.abort();
      expect(await repack.problem).to.equal("it was stopped");
      await repository.git("fsck", "--no-progress");
      expect(await repository.git("cat-file", "-t", lost)).to.equal("blob");
    }
    const locks = (await readdir(scene.gitDir, { recursive: true })).filter((name) =>
      name.endsWith(".lock"),
    );
    expect(locks).to.deep.equal([]);
    expect(await landing.keeping.repack(new AbortController().signal).problem).to.equal(null);
    expect(await looseOf(scene)).to.equal(0);
  });

  it("stands still while it is told to, and ends all the same when it is stopped", async () => {
    await using scene = await makeScene();
    for (let at = 0; at < 10; at += 1) await scene.land(`t${at}`, { "f.txt": `${at}\n` });
    const stop = new AbortController();
    const repack = scene.landing.keeping.repack(stop.signal);
    repack.pause();
    const pid = await until(() => repackOf(scene), { what: "a repack" });
    let ended = false;
    void repack.problem.then(() => (ended = true));
    await scene.land("beside", { "g.txt": "g\n" });
    expect(ended).to.equal(false);
    stop.abort();
    expect(await repack.problem).to.equal("it was stopped");
    await until(() => isGone(pid), { what: "its end" });
  });

  it("does not begin where objects are shared or git gc is at work", async () => {
    await using scene = await makeScene();
    expect(scene.landing.keeping.notOurs()).to.equal(null);
    await writeFile(join(scene.gitDir, "gc.pid"), "1 here\n");
    expect(scene.landing.keeping.notOurs()).to.match(/git gc/);
  });

  it("removes what one that was killed has left, and nothing else", async () => {
    await using scene = await makeScene();
    const packs = join(scene.gitDir, "objects/pack");
    const left = [".tmp-4711-pack-ab.pack", "tmp_pack_Xy12ab", "tmp_idx_Xy12ab"];
    for (const name of [...left, "pack-of-mine.keep"]) await writeFile(join(packs, name), "x");
    const found = await scene.landing.keeping.leftPacks();
    expect(found).to.have.members(left.map((name) => join(packs, name)));
    await scene.landing.keeping.removeLeftPacks(found);
    expect(await readdir(packs)).to.include("pack-of-mine.keep");
    expect(await scene.landing.keeping.leftPacks()).to.deep.equal([]);
  });
});

async function looseOf({ repository }: Scene): Promise<number> {
  return Number(/^count: (\d+)/m.exec(await repository.git("count-objects", "-v"))?.[1]);
}

/** A blob that no ref and no tree has. */
async function unnamed({ repository }: Scene, text: string): Promise<string> {
  const ended = run("git", ["hash-object", "-w", "--stdin"], {
    cwd: repository.dir,
    env: repository.env,
  });
  ended.child.stdin?.end(text);
  return (await ended).stdout.trim();
}

/** Of a repack: nothing is done yet; its packs are written and not in place; they are, and what was packed is gone. */
const moments = ["before pack-objects", "after pack-objects", "after repack"] as const;

/** Until it is disposed of, a repack stops at one of them, and waits to be killed. */
async function gitThatStops(
  { repository }: Scene,
  moment: (typeof moments)[number],
): Promise<AsyncDisposable & { readonly isReached: () => boolean }> {
  const folder = await mkdtemp(join(repository.dir, "../git-that-stops-"));
  const reached = join(folder, "reached");
  const path = process.env["PATH"] ?? "";
  const real = (await run("sh", ["-c", "command -v git"])).stdout.trim();
  const script = [
    "#!/bin/sh",
    `stop() { [ "$1" = '${moment}' ] && : > '${reached}' && exec sleep 60; }`,
    `case " $* " in`,
    // Its own gits are then found by PATH, as this one was.
    `  *" repack "*) GIT_EXEC_PATH='${folder}/none' '${real}' "$@"; code=$?; stop "after repack" ;;`,
    `  *" pack-objects "*) stop "before pack-objects"; '${real}' "$@"; code=$?; stop "after pack-objects" ;;`,
    `  *) exec '${real}' "$@" ;;`,
    "esac",
    "exit $code",
    "",
  ].join("\n");
  await writeFile(join(folder, "git"), script, { mode: 0o755 });
  process.env["PATH"] = `${folder}:${path}`;
  return {
    isReached: () => existsSync(reached),
    [Symbol.asyncDispose]: async () => {
      process.env["PATH"] = path;
      await rm(folder, { recursive: true });
    },
  };
}

/** Of this repository; `null`: none. */
async function repackOf({ gitDir }: Scene): Promise<number | null> {
  const { stdout } = await run("ps", ["-eo", "pid,args"]);
  const line = stdout
    .split("\n")
    .find((one) => one.includes(`--git-dir=${gitDir}`) && one.includes("repack"));
  return line === undefined ? null : Number(line.trim().split(" ")[0]);
}
