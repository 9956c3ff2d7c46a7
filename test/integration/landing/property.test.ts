import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import type { Oid, TaskId } from "../../../ipc/ids.ts";
import { Random } from "../../sim/random.ts";
import { applied, beginning, commitStream, listing, randomWorks } from "./randomWork.ts";
import type { Tree, Work } from "./randomWork.ts";
import { asOid, makeScene, request } from "./scene.ts";
import type { Scene } from "./scene.ts";

const tasksPerSeed = 9;
const atOnce = 3;
const fixedSeeds = [1, 2, 3, 4, 5];
const freshSeed = Math.floor(Math.random() * 2 ** 31);

async function commitTree(scene: Scene, ref: string, parent: Oid | null, tree: Tree): Promise<Oid> {
  const { dir, env } = scene.repository;
  const args = ["fast-import", "--quiet", "--force"];
  const child = spawn("git", args, { cwd: dir, env, stdio: ["pipe", "ignore", "inherit"] });
  child.stdin.end(commitStream(ref, parent, tree));
  expect(await once(child, "exit")).to.deep.equal([0, null]);
  return await scene.oid(ref);
}

/** As the supervisor does it: merge, move, and again while another one was faster. */
async function landed(scene: Scene, name: string, saved: Oid, base: Oid): Promise<Oid> {
  for (;;) {
    const merged = await scene.landing.merge(request(name, { saved, base }));
    if (merged.kind !== "candidate") throw new Error(`${name}: ${JSON.stringify(merged)}`);
    const { candidate, onto } = merged;
    const moved = await scene.landing.move({ task: name as TaskId, candidate, onto });
    if (moved.kind === "moved") return candidate;
    if (moved.kind !== "outdated") throw new Error(`${name}: ${JSON.stringify(moved)}`);
  }
}

async function listed(scene: Scene, commit: Oid): Promise<Record<string, string>> {
  const text = await scene.repository.git("ls-tree", "-r", "-z", commit);
  const rows = text.split("\0").filter(Boolean);
  return Object.fromEntries(
    rows.map((row) => {
      const [about = "", path = ""] = row.split("\t");
      const [mode, , blob] = about.split(" ");
      return [path, `${mode} ${blob}`];
    }),
  );
}

/** Each task starts from some tip that was there before; some land at once, in any order. */
async function landAll(scene: Scene, random: Random, works: readonly Work[]): Promise<void> {
  let tree = beginning();
  const begin = await commitTree(scene, "refs/heads/main", null, tree);
  await scene.repository.git("update-ref", "refs/heads/orchd/main", begin);
  await scene.repository.git("update-ref", "refs/orchd/followed/main", begin);
  const tips: { readonly oid: Oid; readonly tree: Tree }[] = [{ oid: begin, tree }];
  for (let from = 0; from < works.length; from += atOnce) {
    const group = await Promise.all(
      works.slice(from, from + atOnce).map(async (work, index) => {
        const base = random.pick(tips);
        const name = `t${from + index}`;
        const saved = await commitTree(
          scene,
          `refs/saved/${name}`,
          base.oid,
          applied(base.tree, work),
        );
        return { name, work, saved, base: base.oid };
      }),
    );
    const done = await Promise.all(
      group.map(async (one) => ({
        ...one,
        commit: await landed(scene, one.name, one.saved, one.base),
      })),
    );
    const chain = await scene.repository.git(
      "log",
      "--first-parent",
      "--reverse",
      "--format=%H",
      "orchd/main",
    );
    for (const oid of chain.split("\n").slice(tips.length).map(asOid)) {
      const one = done.find(({ commit }) => commit === oid);
      expect(one, `${oid} is somebody's`).to.not.equal(undefined);
      tree = applied(tree, one?.work ?? []);
      expect(await listed(scene, oid), `after ${one?.name}`).to.deep.equal(listing(tree));
      tips.push({ oid, tree });
    }
  }
  expect(tips).to.have.length(works.length + 1);
}

describe("landing in parallel", () => {
  for (const seed of [...fixedSeeds, freshSeed])
    it(`equals applying each task's work in landing order, seed ${seed}`, async () => {
      await using scene = await makeScene();
      const random = new Random(seed);
      await landAll(scene, random, randomWorks(random, tasksPerSeed));
      await scene.repository.git("fsck", "--strict", "--no-dangling");
    });
});
