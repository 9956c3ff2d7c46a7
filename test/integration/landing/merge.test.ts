import { chmod, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { Oid, TaskId } from "../../../ipc/ids.ts";
import { at_ms, candidateOf, makeScene, request } from "./scene.ts";
import type { Saved, Scene } from "./scene.ts";

/** Work done with real files in a worktree of its own, for what the index alone cannot say. */
async function saveWithFiles(
  scene: Scene,
  work: (dir: string, git: (...args: string[]) => Promise<string>) => Promise<void>,
): Promise<Saved> {
  const dir = join(scene.repository.dir, "..", "agent");
  await scene.repository.git("worktree", "add", "--quiet", "--detach", dir, "orchd/main");
  const git = (...args: string[]): Promise<string> => scene.repository.git("-C", dir, ...args);
  const base = (await git("rev-parse", "HEAD")) as Oid;
  await work(dir, git);
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "saved");
  const saved = (await git("rev-parse", "HEAD")) as Oid;
  await scene.repository.git("worktree", "remove", "--force", dir);
  return { saved, base };
}

describe("merging saved work into a candidate", () => {
  it("makes one commit on the tip, pins it, and moves no branch", async () => {
    await using scene = await makeScene();
    const tip = await scene.oid("orchd/main");
    const work = await scene.save({ "a.txt": "changed\n" });
    const merged = await scene.landing.merge(request("t1", work));
    const candidate = candidateOf(merged);
    expect(merged).to.deep.equal({
      kind: "candidate",
      candidate,
      tree: await scene.oid(`${work.saved}^{tree}`),
      onto: tip,
      ontoTree: await scene.oid(`${tip}^{tree}`),
    });
    expect(await scene.oid("refs/orchd/candidates/t1")).to.equal(candidate);
    expect(await scene.repository.git("rev-parse", `${candidate}^@`)).to.equal(tip);
    expect(await scene.oid("orchd/main")).to.equal(tip);
  });

  it("makes the same commit when it is asked again, also by the next supervisor", async () => {
    await using scene = await makeScene();
    const work = await scene.save({ "a.txt": "changed\n" });
    const first = await scene.landing.merge(request("t1", work));
    const next = scene.restart({ epoch: 2 });
    await next.prepare();
    expect(await next.merge(request("t1", work))).to.deep.equal(first);
  });

  it("is merged onto a candidate in front of it, and both land with one move, a commit each", async () => {
    await using scene = await makeScene();
    const tip = await scene.oid("orchd/main");
    const [one, two] = [
      await scene.save({ "a.txt": "one\n" }),
      await scene.save({ "b.txt": "two\n" }),
    ];
    const first = await scene.landing.merge(request("t1", one));
    if (first.kind !== "candidate") throw new Error(first.kind);
    const onto = { commit: first.candidate, tree: first.tree };
    const second = await scene.landing.merge(request("t2", two, { onto }));
    const candidate = candidateOf(second);
    expect(second).to.deep.include({ onto: first.candidate, ontoTree: first.tree });
    expect(await scene.oid("orchd/main")).to.equal(tip);
    const move = { task: "t2" as TaskId, candidate, onto: tip };
    expect(await scene.landing.move(move)).to.deep.equal({ kind: "moved" });
    expect(await scene.landing.move(move)).to.deep.equal({ kind: "already" });
    expect(await scene.landing.move({ ...move, candidate: first.candidate })).to.deep.equal({
      kind: "already",
    });
    const landed = (await scene.landing.landedTasks(tip)).map(({ task }) => task);
    expect(landed).to.deep.equal(["t1", "t2"]);
    expect(await scene.repository.git("show", "orchd/main:a.txt")).to.equal("one");
  });

  it("conflicts with a candidate in front of it where it would not with the tip", async () => {
    await using scene = await makeScene();
    const [one, two] = [
      await scene.save({ "a.txt": "one\n" }),
      await scene.save({ "a.txt": "two\n" }),
    ];
    const first = await scene.landing.merge(request("t1", one));
    if (first.kind !== "candidate") throw new Error(first.kind);
    const onto = { commit: first.candidate, tree: first.tree };
    const second = await scene.landing.merge(request("t2", two, { onto }));
    expect(second).to.deep.equal({ kind: "conflict_ahead" });
    const kept = await scene.repository.git("for-each-ref", "refs/orchd/conflicts");
    expect(kept, "what may never land is not what it met").to.equal("");
    expect((await scene.landing.merge(request("t2", two))).kind).to.equal("candidate");
  });

  it("writes author, committer, dates and trailers", async () => {
    await using scene = await makeScene();
    const work = await scene.save({ "a.txt": "changed\n" });
    const merged = await scene.landing.merge(
      request("t1", work, {
        attempt: 3,
        message: "Écrire\n\nOrchd-Task: forged",
        author: "Agent Ä <agent@example.com>",
        trailers: { "Reviewed-by": "Ada <ada@example.com>" },
      }),
    );
    const format = "--format=%an <%ae>|%cn <%ce>|%at|%ct|%B";
    expect(await scene.repository.git("show", "-s", format, candidateOf(merged))).to.equal(
      `Agent Ä <agent@example.com>|Test Person <person@example.com>|${at_ms / 1000}|${at_ms / 1000}|` +
        "Écrire\n\nReviewed-by: Ada <ada@example.com>\nOrchd-Task: t1\nOrchd-Attempt: 3\n",
    );
  });

  it("says so when an author cannot be written", async () => {
    await using scene = await makeScene();
    const work = await scene.save({ "a.txt": "changed\n" });
    const merged = await scene.landing.merge(request("t1", work, { author: "nobody" }));
    expect(merged.kind).to.equal("problem");
  });

  it("finds no change when the tip has it already", async () => {
    await using scene = await makeScene();
    const work = await scene.save({ "a.txt": "changed\n" });
    await scene.land("t1", { "a.txt": "changed\n" });
    expect((await scene.landing.merge(request("t2", work))).kind).to.equal("no_change");
  });

  it("names the paths of a conflict and what it met, and pins the work", async () => {
    await using scene = await makeScene();
    const work = await scene.save({ "a.txt": "mine\n", "dir/ü\n.txt": "mine\n", "b.txt": "x\n" });
    const ours = await scene.land("t1", { "a.txt": "theirs\n", "dir/ü\n.txt": "theirs\n" });
    expect(await scene.landing.merge(request("t2", work))).to.deep.equal({
      kind: "conflict",
      paths: ["a.txt", "dir/ü\n.txt"],
      ref: "refs/orchd/conflicts/t2",
      ours,
    });
    const kept = await scene.oid("refs/orchd/conflicts/t2^3^{tree}");
    expect(kept).to.equal(await scene.oid(`${work.saved}^{tree}`));
  });

  it("brings deletions, modes, symbolic links and binary files along", async () => {
    await using scene = await makeScene();
    const work = await saveWithFiles(scene, async (dir, git) => {
      await git("rm", "--quiet", "b.txt");
      await chmod(join(dir, "a.txt"), 0o755);
      await symlink("a.txt", join(dir, "link"));
    });
    await scene.land("t1", { bin: "\0\u0001\0", "dir/d.txt": "d\n" });
    const tree = candidateOf(await scene.landing.merge(request("t2", work)));
    const listing = await scene.repository.git(
      "ls-tree",
      "-r",
      "--format=%(objectmode) %(path)",
      tree,
    );
    expect(listing.split("\n")).to.deep.equal([
      "100755 a.txt",
      "100644 bin",
      "100644 dir/c.txt",
      "100644 dir/d.txt",
      "120000 link",
    ]);
  });

  it("follows a rename with an edit that was made under the old name", async () => {
    const lines = Array.from({ length: 30 }, (_, at) => `line ${at}`);
    await using scene = await makeScene({ "old.txt": `${lines.join("\n")}\n` });
    const work = await saveWithFiles(scene, (dir) =>
      rename(join(dir, "old.txt"), join(dir, "new.txt")),
    );
    await scene.land("t1", { "old.txt": `${lines.with(3, "edited").join("\n")}\n` });
    const candidate = candidateOf(await scene.landing.merge(request("t2", work)));
    const text = await scene.repository.git("show", `${candidate}:new.txt`);
    expect(text).to.equal(lines.with(3, "edited").join("\n"));
  });

  it("takes only the work's own change when its base was reset away by a person", async () => {
    await using scene = await makeScene();
    const begin = await scene.oid("main");
    await scene.land("t1", { "a.txt": "unwanted\n" });
    await scene.landing.follow({ from: null });
    const work = await scene.save({ "b.txt": "wanted\n" });
    await scene.repository.git("reset", "--quiet", "--hard", begin);
    expect((await scene.landing.settleRewind("accept")).kind).to.equal("accepted");
    const candidate = candidateOf(await scene.landing.merge(request("t2", work)));
    expect(await scene.repository.git("diff", "--name-only", begin, candidate)).to.equal("b.txt");
  });

  it("takes only the work's own change when the person began the target anew, with no common history", async () => {
    await using scene = await makeScene();
    const { git } = scene.repository;
    const work = await scene.save({ "b.txt": "work\n" });
    await git("checkout", "--quiet", "--orphan", "fresh");
    await scene.repository.write("a.txt", "fresh\n");
    await scene.repository.commit("Fresh");
    await git("checkout", "--quiet", "-B", "main");
    expect((await scene.landing.settleRewind("accept")).kind).to.equal("accepted");
    const landed = await scene.landWork("t1", work);
    expect(await git("show", `${landed}:a.txt`)).to.equal("fresh");
    expect(await git("show", `${landed}:b.txt`)).to.equal("work");
    expect(await git("log", "--format=%s", landed)).to.equal("Do t1\nFresh");
  });

  it("reports work that does not exist", async () => {
    await using scene = await makeScene();
    const { base } = await scene.save({});
    const missing = "1".repeat(40) as Oid;
    const merged = await scene.landing.merge(request("t1", { saved: missing, base }));
    expect(merged.kind).to.equal("problem");
  });
});
