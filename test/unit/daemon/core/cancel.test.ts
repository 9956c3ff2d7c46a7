import { expect } from "chai";
import {
  World,
  given,
  id,
  ids,
  oid,
  spec,
  submit,
  testCommand,
  worker,
} from "../../../helpers/core.ts";

const cancel = (...names: string[]) => ({ type: "cancel", ids: ids(...names) }) as const;

describe("cancel", () => {
  it("ends a queued task at once", () => {
    given(submit(spec("a")))
      .when(cancel("a"))
      .thenEvents({ type: "TaskCancelled", task: id("a") });
  });

  it("asks for the end of a running attempt, and is done when that has ended", () => {
    const world = World.ready().submit(spec("a"));
    const fence = world.fence("a");
    world.turn(cancel("a"));
    expect(world.status("a")).to.equal("running");
    expect(world.effectsOf("cancelAttempt")).to.deep.equal([
      { kind: "cancelAttempt", worker: "worker-1", task: "a", attempt: 1, fence },
    ]);
    world.report("a", { result: "ended", saved: null });
    expect(world.status("a")).to.equal("cancelled");
  });

  it("wins over whatever the attempt comes to meanwhile", () => {
    for (const end of [
      (world: World) => world.done("a", ["x"]),
      (world: World) => world.fail("a"),
      (world: World) => world.report("a", { result: "lost", saved: null }),
      (world: World) => world.turn({ type: "workerGone", worker: worker(1) }),
    ]) {
      const world = World.ready().submit(spec("a", { retries: 5 }));
      world.turn(cancel("a"));
      end(world);
      expect(world.status("a")).to.equal("cancelled");
      expect(world.running()).to.deep.equal([]);
    }
  });

  it("ends a landing that waits, merges or is at the gate, and ends the gate run", () => {
    const waiting = World.ready().submit(spec("a"), spec("b")).done("a", ["x"]).done("b", ["y"]);
    waiting.turn(cancel("b"));
    expect(waiting.status("b")).to.equal("cancelled");

    const merging = World.ready().submit(spec("a")).done("a", ["x"]);
    const fence = merging.landingFence("a");
    merging.turn(cancel("a"));
    expect(merging.status("a")).to.equal("cancelled");
    merging.turn({ type: "merged", task: id("a"), fence, result: { kind: "no_change" } });
    expect(merging.status("a")).to.equal("cancelled");

    const gated = World.ready({ verify: [testCommand] })
      .submit(spec("a"))
      .done("a", ["x"]);
    gated.merged("a");
    const run = gated.fence("a");
    gated.turn(cancel("a"));
    expect(gated.effectsOf("cancelGate")).to.deep.equal([
      { kind: "cancelGate", task: "a", attempt: 1, fence: run },
    ]);
    expect(gated.effectsOf("removeLock")).to.have.length(1);
  });

  it("lets the next task land", () => {
    const world = World.ready().submit(spec("a"), spec("b")).done("a", ["x"]).done("b", ["y"]);
    world.turn(cancel("a"));
    expect(world.step("b")).to.equal("merging");
  });

  it("comes too late once the branch is being moved", () => {
    const world = World.ready().submit(spec("a")).done("a", ["x"]).merged("a");
    const [decision] = world.turn(cancel("a"));
    expect(decision).to.deep.equal({ ok: true, answer: { of: "change", changed: [] } });
    expect(world.moved("a").task("a").life).to.deep.include({ commit: oid("c-a") });
  });

  it("changes nothing the second time, or after the end", () => {
    const world = World.ready().submit(spec("a"), spec("b"));
    world.turn(cancel("a"));
    const seq = world.state.seq;
    world.turn(cancel("a"));
    expect(world.state.seq).to.equal(seq);
    world.done("b").turn(cancel("b"));
    expect(world.status("b")).to.equal("succeeded");
  });

  it("cancels none when one does not exist", () => {
    given(submit(spec("a")))
      .when(cancel("a", "ghost"))
      .thenRejected("not_found", /ghost/);
  });

  it("says which it changed", () => {
    const { decision } = given(submit(spec("a"), spec("b")), cancel("a")).when(cancel("a", "b"));
    expect(decision).to.deep.include({ answer: { of: "change", changed: ids("b") } });
  });
});
