import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { makeScene, request } from "./scene.ts";
import type { Scene } from "./scene.ts";

async function personCommits(scene: Scene, path: string, text: string): Promise<string> {
  await scene.repository.write(path, text);
  return await scene.repository.commit(`Person: ${path}`);
}

const firstParents = (scene: Scene) =>
  scene.repository.git("log", "--first-parent", "--format=%s", "orchd/main");

describe("a person who works on the target", () => {
  it("has their commits taken in by fast-forward when nothing landed since", async () => {
    await using scene = await makeScene();
    const theirs = await personCommits(scene, "b.txt", "theirs\n");
    const landed = await scene.land("t1", { "a.txt": "agent\n" });
    expect(await scene.repository.git("rev-parse", `${landed}^@`)).to.equal(theirs);
    expect((await scene.landing.follow({ from: null })).kind).to.equal("followed");
    expect(readFileSync(join(scene.repository.dir, "b.txt"), "utf8")).to.equal("theirs\n");
  });

  it("has them merged, orchd's branch first, when something landed since", async () => {
    await using scene = await makeScene();
    const landed = await scene.land("t1", { "a.txt": "agent\n" });
    const theirs = await personCommits(scene, "b.txt", "theirs\n");
    expect((await scene.landing.follow({ from: null })).kind).to.equal("followed");
    expect(await scene.repository.git("rev-parse", "main^1", "main^2")).to.equal(
      `${landed}\n${theirs}`,
    );
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
    expect((await firstParents(scene)).split("\n").slice(0, 2)).to.deep.equal([
      "Merge branch 'main' into orchd/main",
      "Do t1",
    ]);
  });

  it("keeps landed commits on the first-parent chain when they merged orchd's branch themselves", async () => {
    await using scene = await makeScene();
    const landed = await scene.land("t1", { "a.txt": "agent\n" });
    await personCommits(scene, "b.txt", "theirs\n");
    await scene.repository.git("merge", "--quiet", "--no-edit", "orchd/main");
    expect((await scene.landing.follow({ from: null })).kind).to.equal("followed");
    expect((await firstParents(scene)).split("\n")).to.include("Do t1");
    const landedNow = await scene.landing.landedTasks(null);
    expect(landedNow.map(({ commit }) => commit)).to.deep.equal([landed]);
  });

  it("holds landing when their commits conflict with what landed, and goes on once that is merged", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "agent\n" });
    const work = await scene.save({ "b.txt": "more\n" });
    await personCommits(scene, "a.txt", "theirs\n");
    const held = await scene.landing.merge(request("t2", work));
    expect(held).to.deep.include({ kind: "held", why: "absorb_conflict", paths: ["a.txt"] });
    expect(await scene.landing.follow({ from: null })).to.deep.include({
      kind: "waiting",
      paths: ["a.txt"],
    });
    await scene.repository.git("merge", "--quiet", "-X", "ours", "--no-edit", "orchd/main");
    expect((await scene.landing.merge(request("t2", work))).kind).to.equal("candidate");
  });

  it("is not taken in, nor does orchd's branch move, while that would have checks run anew", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "task\n" });
    await scene.repository.write("b.txt", "person\n");
    const theirs = await scene.repository.commit("By a person");
    const tip = await scene.oid("orchd/main");
    const later = { from: null, takeIn: false };
    expect(await scene.landing.follow(later)).to.deep.include({ kind: "waiting", paths: [] });
    expect([await scene.oid("orchd/main"), await scene.oid("main")]).to.deep.equal([tip, theirs]);
    expect((await scene.landing.follow({ from: null })).kind).to.equal("followed");
    await scene.land("t2", { "c.txt": "task\n" });
    expect((await scene.landing.follow(later)).kind, "nothing of theirs").to.equal("followed");
    await scene.repository.git("reset", "--quiet", "--hard", "HEAD~1");
    expect((await scene.landing.follow(later)).kind).to.equal("rewound");
  });

  it("who resets it stops following and landing, and what they reset stays reset", async () => {
    await using scene = await makeScene();
    const begin = await scene.oid("main");
    const landed = await scene.land("t1", { "a.txt": "agent\n" });
    await scene.landing.follow({ from: null });
    await scene.repository.git("reset", "--quiet", "--hard", begin);
    const work = await scene.save({ "b.txt": "more\n" });
    expect(await scene.landing.follow({ from: null })).to.deep.include({
      kind: "rewound",
      tip: begin,
    });
    const held = await scene.landing.merge(request("t2", work));
    expect(held).to.include({ kind: "held", why: "rewound" });

    const accepted = await scene.landing.settleRewind("accept");
    expect(accepted).to.include({ kind: "accepted", tip: begin });
    expect(accepted.kind === "accepted" && (await scene.oid(accepted.kept))).to.equal(landed);
    expect(await scene.landing.settleRewind("accept")).to.deep.equal({
      kind: "nothing",
      tip: begin,
    });
    await scene.land("t3", { "b.txt": "after\n" });
    expect((await scene.landing.follow({ from: null })).kind).to.equal("followed");
    expect(readFileSync(join(scene.repository.dir, "a.txt"), "utf8")).to.equal("a\n");
  });

  it("who resets to a commit between the last follow and the tip is noticed too", async () => {
    await using scene = await makeScene();
    const between = await scene.land("t1", { "a.txt": "1\n" });
    await scene.land("t2", { "a.txt": "2\n" });
    await scene.repository.git("merge", "--quiet", "--ff-only", "orchd/main");
    expect((await scene.landing.follow({ from: null })).kind).to.equal("current");
    await scene.repository.git("reset", "--quiet", "--hard", between);
    expect(await scene.landing.follow({ from: null })).to.deep.include({
      kind: "rewound",
      tip: between,
    });
  });

  it("who amends a commit that was taken in is noticed", async () => {
    await using scene = await makeScene();
    await personCommits(scene, "b.txt", "theirs\n");
    await scene.land("t1", { "a.txt": "agent\n" });
    await scene.repository.git("commit", "--quiet", "--amend", "--message", "other");
    expect((await scene.landing.follow({ from: null })).kind).to.equal("rewound");
  });

  it("who amends a commit nobody took in yet is not held up", async () => {
    await using scene = await makeScene();
    await personCommits(scene, "b.txt", "theirs\n");
    await scene.repository.git("commit", "--quiet", "--amend", "--message", "other");
    await scene.land("t1", { "a.txt": "agent\n" });
    expect((await scene.landing.follow({ from: null })).kind).to.equal("followed");
  });
});
