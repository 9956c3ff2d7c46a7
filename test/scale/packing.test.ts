import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { makeScene } from "../integration/landing/scene.ts";
import type { Saved, Scene } from "../integration/landing/scene.ts";

const run = promisify(execFile);

const landings = Number(process.env["ORCHD_TEST_LANDINGS"] ?? 500);
/** What is compared: as many in a repository that is new as in the one where all the others landed. */
const measured = 40;
/** Between two repacks; a supervisor lets 4,000 loose objects gather. */
const packEvery = 100;
const slowerMax = 1.3;

/**
 * Every fifth landing changes a file that earlier ones changed, the others add one: the tree grows. Each
 * attempt keeps its ref, as in a month of work; candidates that landed are removed, as by `orchd gc`.
 */
describe("five hundred landings, packed on the way", () => {
  it("end as quick as they began, with few loose objects and packs, everything whole and nothing of a person's gone", async function () {
    this.timeout(30 * 60_000);
    await using scene = await makeScene();
    const { repository, landing } = scene;
    const { git } = repository;
    const theirs = await ofAPerson(scene);
    const loose: number[] = [];
    const packs: number[] = [];
    for (let at = 0; at < landings; at += 1) {
      await land(scene, at);
      if (at % packEvery !== packEvery - 1) continue;
      loose.push((await landing.keeping.clutter()).loose);
      const repack = landing.keeping.repack(new AbortController().signal);
      // Something lands while it packs.
      await land(scene, landings + at);
      expect(await repack.problem).to.equal(null);
      packs.push((await landing.keeping.clutter()).packs);
      await dropLanded(scene);
    }
    const { old, fresh } = await compared(scene);
    const figures = {
      landings,
      p50_ms_in_a_new_repository: fresh,
      p50_ms_after_all: old,
      ratio: Math.round((old / fresh) * 100) / 100,
      loose_before_each_repack: loose,
      packs_after: packs,
    };
    console.log(`      ${JSON.stringify(figures)}`);
    expect(old / fresh, "how much slower").to.be.at.most(slowerMax);
    expect(Math.max(...loose), "loose objects").to.be.lessThan(2 * (loose[0] ?? 0));
    expect(Math.max(...packs), "packs").to.be.at.most(1 + Math.ceil(Math.log2(landings)));
    await git("fsck", "--strict", "--no-progress");
    for (const [what, oid] of Object.entries(theirs))
      expect(await git("cat-file", "-t", oid), what).to.be.oneOf(["blob", "commit"]);
    expect(await git("stash", "list")).to.match(/theirs/);
    expect(await git("show", "mine:mine.txt")).to.equal("mine");
    const landed = await git("rev-list", "--count", "--first-parent", "orchd/main");
    expect(Number(landed)).to.equal(1 + landings + Math.floor(landings / packEvery) + measured);
  });
});

async function land(scene: Scene, at: number): Promise<void> {
  await scene.landWork(`t${at}`, await saved(scene, at));
}

async function saved(scene: Scene, at: number): Promise<Saved> {
  const path = at % 5 === 0 ? `changed/f${at % 50}.txt` : `added/d${at % 7}/f${at}.txt`;
  const work = await scene.save({ [path]: `${at}\n` });
  await scene.repository.git("update-ref", `refs/orchd/attempts/t${at}/1`, work.saved);
  return work;
}

/** In turns, so that what else the machine does slows both of them. Milliseconds of merge and move. */
async function compared(scene: Scene): Promise<{ readonly old: number; readonly fresh: number }> {
  await using beside = await makeScene();
  const [old, fresh]: [number[], number[]] = [[], []];
  for (let at = 0; at < measured; at += 1)
    for (const [where, times] of [
      [scene, old],
      [beside, fresh],
    ] as const) {
      const number = 10 * landings + at;
      const work = await saved(where, number);
      const began = performance.now();
      await where.landWork(`t${number}`, work);
      times.push(performance.now() - began);
    }
  return { old: middle(old), fresh: middle(fresh) };
}

function middle(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return Math.round((sorted[sorted.length >> 1] ?? 0) * 10) / 10;
}

async function dropLanded({ landing }: Scene): Promise<void> {
  const refs = await landing.keeping.refs(0);
  const landed = refs.filter(({ name }) => name.startsWith("refs/orchd/candidates/"));
  expect((await landing.keeping.drop(landed)).kind).to.equal("dropped");
}

/** A stash, a branch, a dropped stash, and a blob that nothing names. */
async function ofAPerson({ repository }: Scene): Promise<Readonly<Record<string, string>>> {
  const { git, dir, env } = repository;
  await git("branch", "mine");
  await git("checkout", "--quiet", "mine");
  await repository.write("mine.txt", "mine\n");
  await repository.commit("Mine");
  const mine = await git("rev-parse", "HEAD");
  await git("checkout", "--quiet", "main");
  const stash = async (text: string): Promise<string> => {
    await writeFile(join(dir, "a.txt"), text);
    await git("stash", "push", "--quiet", "--message", text.trim());
    return await git("rev-parse", "stash@{0}");
  };
  const dropped = await stash("dropped\n");
  await git("stash", "drop", "--quiet");
  const kept = await stash("theirs\n");
  const ended = run("git", ["hash-object", "-w", "--stdin"], { cwd: dir, env });
  ended.child.stdin?.end("named by nothing\n");
  return { mine, dropped, kept, blob: (await ended).stdout.trim() };
}
