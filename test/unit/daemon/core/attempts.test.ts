import { expect } from "chai";
import { backoffMsMax } from "../../../../daemon/core/limits.ts";
import { World, expectEvents, id, saved, spec, worker } from "../../../helpers/core.ts";
import type { AttemptFailure } from "../../../../ipc/workerMessages.ts";

const crash: AttemptFailure = { kind: "exit", exit_code: 1 };

describe("what an attempt comes to", () => {
  it("is success without a commit when nothing was saved", () => {
    const world = World.ready().submit(spec("a")).done("a");
    expect(world.task("a").life).to.deep.include({ status: "succeeded", commit: null });
    expect(world.state.finals.get(id("a"))).to.deep.include({ status: "succeeded", commit: null });
  });

  it("is a landing when something was saved", () => {
    const world = World.ready().submit(spec("a")).done("a", ["x"]);
    expect(world.step("a")).to.equal("merging");
    expect(world.task("a").attempts[0]).to.deep.include({
      result: "done",
      savedRef: "refs/orchd/attempts/x/1",
    });
  });

  it("is failure after the last of its tries", () => {
    const world = World.ready().submit(spec("a")).fail("a");
    expect(world.task("a").life).to.deep.include({
      status: "failed",
      reason: { kind: "attempt", failure: crash },
    });
  });

  it("is another try after a pause that doubles, up to an hour", () => {
    const retries = { max: 20, backoff_ms: 60_000 };
    const world = World.ready().submit(spec("a", { retries }));
    const waits: number[] = [];
    for (let tried = 0; tried < 9; tried += 1) {
      world.fail("a");
      const why = world.why("a");
      if (why?.on !== "time") throw new Error("it does not wait");
      expect(why.backoff).to.equal(true);
      waits.push((why.until - world.at) / 60_000);
      world.pass(why.until - world.at);
    }
    expect(waits).to.deep.equal([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(backoffMsMax).to.equal(3_600_000);
  });

  it("is another try at once without a backoff", () => {
    const world = World.ready()
      .submit(spec("a", { retries: { max: 1, backoff_ms: 0 } }))
      .fail("a");
    expect(world.status("a")).to.equal("running");
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal(["dispatch"]);
  });

  it("is back in the queue, with no try used up, when it was ended for a stop", () => {
    const world = World.ready({ slots: 1 }).submit(spec("a"));
    for (let times = 0; times < 10; times += 1) world.report("a", { result: "ended", saved: null });
    expect(world.status("a")).to.equal("running");
    expect(world.task("a").setbacks).to.deep.equal({ failure: 0, lost: 0, conflict: 0 });
    expect(world.task("a").attempts).to.have.length(11);
  });

  it("is another try when its worker died, three times, and failure the fourth", () => {
    const world = World.ready({ slots: 1 }).submit(spec("a"));
    for (let times = 0; times < 3; times += 1) {
      expect(world.status("a")).to.equal("running");
      world.turn({ type: "workerGone", worker: worker(1) });
      world.ready(worker(1));
    }
    world.report("a", { result: "lost", saved: null });
    expect(world.task("a").life).to.deep.include({ reason: { kind: "lost", attempts: 4 } });
  });

  it("is failure, with the work kept, when the agent's history left the base behind", () => {
    const world = World.ready().submit(spec("a", { retries: 3 }));
    const work = saved(["x"], { descends: false, ref: "refs/parked" });
    world.report("a", { result: "done", saved: work });
    expect(world.task("a").life).to.deep.include({
      reason: { kind: "not_descended", ref: "refs/parked" },
    });
  });

  it("is failure for paths outside the claims when the policy says so", () => {
    const claims = { writes: ["src/**"], reads: ["docs/**"] };
    const touch = (outsideClaims: "fail" | "extend" | "allow", declared: typeof claims | null) =>
      World.ready({ outsideClaims })
        .submit(spec("a", { claims: declared }))
        .done("a", ["docs/x", "src/y", "z"]);
    expect(touch("fail", claims).task("a").life).to.deep.include({
      reason: { kind: "outside_claims", paths: ["docs/x", "z"] },
    });
    expect(touch("fail", null).status("a")).to.equal("landing");
    expect(touch("extend", claims).status("a")).to.equal("landing");
    expect(touch("allow", claims).status("a")).to.equal("landing");
  });

  it("keeps what a failed try saved and touched", () => {
    const world = World.ready().submit(spec("a", { retries: 1 }));
    world.report("a", { result: "failed", failure: crash, saved: saved(["x"]) }).pass(1_000);
    world.report("a", { result: "failed", failure: crash, saved: saved(["y", "x"]) });
    expect(world.task("a").touched).to.deep.equal(["x", "y"]);
    expect(world.task("a").attempts.map(({ savedCommit }) => savedCommit)).to.deep.equal([
      saved(["x"]).commit,
      saved(["y", "x"]).commit,
    ]);
  });
});

describe("a report", () => {
  it("changes nothing with a fence that is not the open one", () => {
    const world = World.ready({ slots: 1 }).submit(spec("a"));
    const old = world.fence("a");
    world.turn({ type: "workerGone", worker: worker(1) });
    world.ready(worker(1));
    const { seq } = world.state;
    world.report("a", { result: "done", saved: null }, old);
    world.report("a", { result: "failed", failure: crash, saved: null }, old + 1_000);
    expect(world.state.seq).to.equal(seq);
    expect(world.status("a")).to.equal("running");
  });

  it("changes nothing when it comes a second time, or for a task nobody knows", () => {
    const world = World.ready().submit(spec("a"));
    const fence = world.fence("a");
    world.done("a", ["x"]);
    const { seq } = world.state;
    world.report("a", { result: "done", saved: saved(["x"]) }, fence);
    const key = { task: id("ghost"), attempt: 1, fence: 1 };
    const report = { ...key, outcome: { result: "done", saved: null }, elapsed_ms: 1 } as const;
    world.turn({ type: "report", worker: worker(1), report });
    expect(world.state.seq).to.equal(seq);
  });

  it("of a gate changes nothing for an attempt, and the other way round", () => {
    const world = World.ready().submit(spec("a"));
    const { seq } = world.state;
    world.report("a", { result: "gate_green" });
    expect(world.state.seq).to.equal(seq);
  });

  it("notes work that was saved for a dead worker with the attempt it belongs to, once", () => {
    const world = World.ready({ slots: 1 }).submit(spec("a"));
    const fence = world.fence("a");
    world.turn({ type: "workerGone", worker: worker(1) });
    const from = world.journal.length;
    const work = saved(["x"], { ref: "refs/saved" });
    world.report("a", { result: "lost", saved: work }, fence);
    world.report("a", { result: "lost", saved: work }, fence);
    expectEvents(
      world.journal.slice(from).map(({ event }) => event),
      [{ type: "AttemptSalvaged", task: id("a"), attempt: 1, saved: work }],
    );
    expect(world.task("a").attempts[0]).to.deep.include({
      savedRef: "refs/saved",
      savedCommit: work.commit,
      result: "lost",
    });
  });
});
