import { expect } from "chai";
import type { TaskId } from "../../../ipc/ids.ts";
import type { Landing } from "../../../daemon/landing/landing.ts";
import type { MoveRequest } from "../../../daemon/landing/move.ts";
import { onFailpoint } from "../../../system/failpoint.ts";
import { candidateOf, makeScene, request } from "./scene.ts";
import type { Scene } from "./scene.ts";

const t1 = "t1" as TaskId;

async function candidate(scene: Scene, task = "t1", file = "a.txt") {
  const work = await scene.save({ [file]: `by ${task}\n` });
  const merged = await scene.landing.merge(request(task, work));
  if (merged.kind !== "candidate") throw new Error(merged.kind);
  return { task: task as TaskId, candidate: merged.candidate, onto: merged.onto };
}

describe("moving orchd's branch", () => {
  it("lands a candidate once, and says so when asked again", async () => {
    await using scene = await makeScene();
    const step = await candidate(scene);
    expect(await scene.landing.move(step)).to.deep.equal({ kind: "moved" });
    expect(await scene.oid("orchd/main")).to.equal(step.candidate);
    expect(await scene.landing.move(step)).to.deep.equal({ kind: "already" });
    await scene.land("t2", { "b.txt": "later\n" });
    expect(await scene.landing.move(step)).to.deep.equal({ kind: "already" });
  });

  it("refuses a candidate made on an older tip and names the new one", async () => {
    await using scene = await makeScene();
    const [first, second] = [await candidate(scene), await candidate(scene, "t2", "b.txt")];
    await scene.landing.move(first);
    expect(await scene.landing.move(second)).to.deep.equal({
      kind: "outdated",
      tip: first.candidate,
    });
    expect(await scene.oid("orchd/main")).to.equal(first.candidate);
  });

  it("is fenced once a newer supervisor has written its epoch, and so is merging", async () => {
    await using scene = await makeScene();
    const step = await candidate(scene);
    const work = await scene.save({ "b.txt": "late\n" });
    const before = await scene.oid("orchd/main");
    await scene.restart({ epoch: 2 }).prepare();
    expect(await scene.landing.move(step)).to.deep.equal({ kind: "fenced" });
    expect(await scene.landing.merge(request("t2", work))).to.deep.equal({ kind: "fenced" });
    expect(await scene.oid("orchd/main")).to.equal(before);
  });

  it("is held while somebody has the branch checked out", async () => {
    await using scene = await makeScene();
    const step = await candidate(scene);
    await scene.repository.git("checkout", "--quiet", "orchd/main");
    const moved = await scene.landing.move(step);
    expect(moved).to.include({ kind: "held", why: "branch_checked_out" });
    await scene.repository.git("checkout", "--quiet", "main");
    expect(await scene.landing.move(step)).to.deep.equal({ kind: "moved" });
  });

  it("is held when the person reset their branch while the candidate was tested, until they take that back", async () => {
    await using scene = await makeScene();
    await scene.land("t0", { "b.txt": "landed\n" });
    expect((await scene.landing.follow({ from: null })).kind).to.equal("followed");
    const step = await candidate(scene);
    await scene.repository.git("reset", "--quiet", "--hard", "HEAD~1");
    expect(await scene.landing.move(step)).to.deep.include({ kind: "held", why: "rewound" });
    expect(await scene.oid("orchd/main")).to.equal(step.onto);
    await scene.repository.git("reset", "--quiet", "--hard", "ORIG_HEAD");
    await scene.repository.write("person.txt", "more\n");
    await scene.repository.commit("Only more than before");
    expect(await scene.landing.move(step)).to.deep.equal({ kind: "moved" });
  });

  it("is held when the branch was deleted", async () => {
    await using scene = await makeScene();
    const step = await candidate(scene);
    await scene.repository.git("branch", "-D", "orchd/main");
    expect(await scene.landing.move(step)).to.include({ kind: "held", why: "branch_missing" });
  });

  it("lists what has landed, oldest first", async () => {
    await using scene = await makeScene();
    const first = await scene.land("t1", { "a.txt": "1\n" });
    const second = await scene.land("t2", { "b.txt": "2\n" });
    expect(await scene.landing.landedTasks(null)).to.deep.equal([
      { task: "t1", attempt: 1, commit: first },
      { task: "t2", attempt: 1, commit: second },
    ]);
    expect(await scene.landing.landedTasks(first)).to.deep.equal([
      { task: "t2", attempt: 1, commit: second },
    ]);
  });

  it("shows how far ahead of the target it is", async () => {
    await using scene = await makeScene();
    const targetTip = await scene.oid("main");
    const alike = { tip: targetTip, targetTip, ahead: 0, rewound: null };
    expect(await scene.landing.view()).to.deep.equal(alike);
    const tip = await scene.land("t1", { "a.txt": "1\n" });
    expect(await scene.landing.view()).to.deep.equal({ ...alike, tip, ahead: 1 });
  });

  it("finds the candidate landed when it was killed before it could say so", async () => {
    await using scene = await makeScene();
    const step = await candidate(scene);
    const dying = scene.restart();
    await dying.prepare();
    const death = await dieMoving(dying, step);
    expect(death).to.equal("Error: killed");
    const next = scene.restart({ epoch: 2 });
    await next.prepare();
    expect(await next.move(step)).to.deep.equal({ kind: "already" });
    expect((await next.landedTasks(null)).map(({ task }) => task)).to.deep.equal([t1]);
  });

  it("makes two landings that are asked for at once one after the other", async () => {
    await using scene = await makeScene();
    const tip = await scene.oid("orchd/main");
    const works = [await scene.save({ "a.txt": "1\n" }), await scene.save({ "b.txt": "2\n" })];
    const merged = await Promise.all(
      works.map((work, at) => scene.landing.merge(request(`t${at}`, work))),
    );
    const moved = await Promise.all(
      merged.map((one, at) =>
        scene.landing.move({
          task: `t${at}` as TaskId,
          candidate: candidateOf(one),
          onto: tip,
        }),
      ),
    );
    expect(moved.map(({ kind }) => kind)).to.deep.equal(["moved", "outdated"]);
  });
});

/** Moves the branch and fails before it can say so; what it failed with. */
async function dieMoving(landing: Landing, step: MoveRequest): Promise<string> {
  using _ = onFailpoint((point) => {
    if (point === "move.branch:after") throw new Error("killed");
  });
  return await landing.move(step).then(
    () => "lived",
    (error: unknown) => String(error),
  );
}
