import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { makeScene } from "./scene.ts";
import type { Scene } from "./scene.ts";

const follow = (scene: Scene) => scene.landing.follow({ from: null });
const read = (scene: Scene, path: string) => readFileSync(join(scene.repository.dir, path), "utf8");

async function personCommits(scene: Scene, path: string, text: string): Promise<string> {
  await scene.repository.write(path, text);
  return await scene.repository.commit(`Person: ${path}`);
}

const subjects = async (scene: Scene): Promise<string[]> =>
  (await scene.repository.git("log", "--first-parent", "--format=%s", "orchd/main")).split("\n");

describe("what landed, made again on a branch that was rewound", () => {
  it("is what the person reset away and what had not reached them yet", async () => {
    await using scene = await makeScene();
    const begin = await scene.oid("main");
    await scene.land("t1", { "a.txt": "one\n" });
    await follow(scene);
    const before = await scene.land("t2", { "new.txt": "two\n" });
    await scene.repository.git("reset", "--quiet", "--hard", begin);
    const theirs = await personCommits(scene, "b.txt", "theirs\n");
    expect((await follow(scene)).kind).to.equal("rewound");

    const settled = await scene.landing.settleRewind("reapply");
    expect(settled).to.include({ kind: "accepted", target: theirs, reapplied: 2 });
    expect(settled.kind === "accepted" && (await scene.oid(settled.kept))).to.equal(before);
    expect((await follow(scene)).kind).to.equal("followed");
    expect(await subjects(scene)).to.deep.equal(["Do t2", "Do t1", "Person: b.txt", "Begin"]);
    expect([read(scene, "a.txt"), read(scene, "new.txt")]).to.deep.equal(["one\n", "two\n"]);
    expect(read(scene, "b.txt")).to.equal("theirs\n");
    expect(await scene.repository.git("status", "--porcelain")).to.equal("");
    const landed = await scene.landing.landedTasks(null);
    expect(landed.map(({ task }) => task)).to.deep.equal(["t1", "t2"]);
    expect((await scene.landing.settleRewind("reapply")).kind).to.equal("nothing");
  });

  it("keeps author, dates, message and trailers", async () => {
    await using scene = await makeScene();
    const begin = await scene.oid("main");
    const landed = await scene.land("t1", { "a.txt": "one\n" });
    await follow(scene);
    await scene.repository.git("reset", "--quiet", "--hard", begin);
    await personCommits(scene, "b.txt", "theirs\n");
    await scene.landing.settleRewind("reapply");
    const all = ["log", "-1", "--format=%an %ae %at %ct %cn%n%B"];
    expect(await scene.repository.git(...all, "orchd/main")).to.equal(
      await scene.repository.git(...all, landed),
    );
    expect(await scene.oid("orchd/main")).to.not.equal(landed);
  });

  it("does not bring back what the person reset or replaced of their own", async () => {
    await using scene = await makeScene();
    await personCommits(scene, "b.txt", "a mistake\n");
    await personCommits(scene, "secret.txt", "hunter2\n");
    await scene.land("t1", { "a.txt": "one\n" });
    await follow(scene);
    await scene.repository.git("reset", "--quiet", "--hard", "HEAD~3");
    await personCommits(scene, "b.txt", "right\n");
    expect(await scene.landing.settleRewind("reapply")).to.include({ reapplied: 1 });
    expect((await follow(scene)).kind).to.equal("followed");
    expect(read(scene, "a.txt")).to.equal("one\n");
    expect(read(scene, "b.txt")).to.equal("right\n");
    expect(existsSync(join(scene.repository.dir, "secret.txt"))).to.equal(false);
    expect(await subjects(scene)).to.deep.equal(["Do t1", "Person: b.txt", "Begin"]);
  });

  it("leaves out what the person has in another form", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "one\n", "b.txt": "one\n" });
    await follow(scene);
    await scene.land("t2", { "dir/c.txt": "two\n" });
    await scene.repository.write("b.txt", "corrected\n");
    const message = await scene.repository.git("log", "-1", "--format=%B");
    await scene.repository.git("commit", "--quiet", "-a", "--amend", "-m", message);
    expect(await scene.landing.settleRewind("reapply")).to.include({ reapplied: 1 });
    await follow(scene);
    expect(read(scene, "b.txt")).to.equal("corrected\n");
    expect(read(scene, "dir/c.txt")).to.equal("two\n");
    expect(await subjects(scene)).to.deep.equal(["Do t2", "Do t1", "Begin"]);
  });

  it("leaves out what the person has made one commit of", async () => {
    await using scene = await makeScene();
    await scene.land("t1", { "a.txt": "one\n" });
    await scene.land("t2", { "b.txt": "two\n" });
    await follow(scene);
    await scene.land("t3", { "dir/c.txt": "three\n" });
    const messages = await scene.repository.git("log", "-2", "--reverse", "--format=%B");
    await scene.repository.git("reset", "--quiet", "--soft", "HEAD~2");
    await scene.repository.write("a.txt", "corrected\n");
    await scene.repository.git("commit", "--quiet", "-a", "-m", `Both\n\n${messages}`);
    expect(await scene.landing.settleRewind("reapply")).to.include({ reapplied: 1 });
    await follow(scene);
    expect(read(scene, "a.txt")).to.equal("corrected\n");
    expect(await subjects(scene)).to.deep.equal(["Do t3", "Both", "Begin"]);
  });

  it("leaves out the person's copy of what they still have, which they picked and reset", async () => {
    await using scene = await makeScene();
    const { git } = scene.repository;
    await scene.land("t1", { "a.txt": "one\n" });
    await follow(scene);
    await git("revert", "--no-edit", "HEAD");
    await git("cherry-pick", "HEAD~1");
    await scene.land("t2", { "b.txt": "two\n" });
    expect((await follow(scene)).kind).to.equal("followed");
    await git("reset", "--quiet", "--hard", "HEAD~2");
    expect(await scene.landing.settleRewind("reapply")).to.include({ reapplied: 1 });
    expect(await subjects(scene)).to.deep.equal(["Do t2", 'Revert "Do t1"', "Do t1", "Begin"]);
  });

  it("moves nothing when one of them conflicts, and says which", async () => {
    await using scene = await makeScene();
    const begin = await scene.oid("main");
    await scene.land("t1", { "dir/c.txt": "one\n" });
    await scene.land("t2", { "a.txt": "two\n" });
    await follow(scene);
    await scene.repository.git("reset", "--quiet", "--hard", begin);
    await personCommits(scene, "a.txt", "theirs\n");
    const refs = await scene.repository.git("for-each-ref");
    const result = await scene.landing.settleRewind("reapply");
    expect(result).to.deep.include({ kind: "held", why: "reapply_conflict", paths: ["a.txt"] });
    expect(result.kind === "held" && result.message).to.match(/^what t2 landed conflicts/);
    expect(await scene.repository.git("for-each-ref")).to.equal(refs);
    expect((await scene.landing.settleRewind("accept")).kind).to.equal("accepted");
  });

  it("lets the next task land on top of it, whose work began before the reset", async () => {
    await using scene = await makeScene();
    const begin = await scene.oid("main");
    await scene.land("t1", { "a.txt": "one\n" });
    await follow(scene);
    const work = await scene.save({ "b.txt": "two\n" });
    await scene.repository.git("reset", "--quiet", "--hard", begin);
    await personCommits(scene, "dir/c.txt", "theirs\n");
    await scene.landing.settleRewind("reapply");
    await scene.landWork("t2", work);
    await follow(scene);
    expect(read(scene, "a.txt") + read(scene, "b.txt") + read(scene, "dir/c.txt")).to.equal(
      "one\ntwo\ntheirs\n",
    );
  });
});
