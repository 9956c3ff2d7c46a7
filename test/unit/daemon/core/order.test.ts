import { expect } from "chai";
import { nextTimer } from "../../../../daemon/core/schedule.ts";
import { World, ids, instant, retry, spec } from "../../../helpers/core.ts";

const minute = 60_000;

/** One worker, kept busy by `first` until the test says otherwise. */
function busy(): World {
  return World.ready({ slots: 1 }).submit(spec("first"));
}

describe("the order in which tasks start", () => {
  it("is that of submission among equals", () => {
    const world = busy().submit(spec("a"), spec("b"));
    expect(world.done("first").running()).to.deep.equal(["a"]);
    expect(world.done("a").running()).to.deep.equal(["b"]);
  });

  it("puts a higher priority first", () => {
    const world = busy().submit(spec("low"), spec("high", { priority: 1 }));
    expect(world.done("first").running()).to.deep.equal(["high"]);
  });

  it("lets a priority age by one point a minute", () => {
    const world = busy().submit(spec("old"));
    world.pass(3 * minute - 1).submit(spec("soon", { priority: 3 }));
    world.pass(2).submit(spec("late", { priority: 3 }));
    expect(world.done("first").running()).to.deep.equal(["soon"]);
    expect(world.done("soon").running()).to.deep.equal(["old"]);
    expect(world.done("old").running()).to.deep.equal(["late"]);
  });

  it("starts nothing before its time, and then wakes by a timer", () => {
    const world = World.ready();
    const moment = world.at + 10;
    world.submit(spec("delayed", { not_before: { delay_ms: 20 } }));
    world.submit(spec("dated", { not_before: { at_ms: moment } }));
    expect(nextTimer(world.state)).to.equal(moment);
    expect(world.why("dated")).to.deep.equal({ on: "time", until: moment, backoff: false });
    expect(world.pass(9).running()).to.deep.equal([]);
    expect(world.pass(1).running()).to.deep.equal(["dated"]);
    expect(nextTimer(world.state)).to.equal(world.at + 10);
    expect(world.pass(10).running()).to.have.members(["dated", "delayed"]);
    expect(nextTimer(world.state)).to.equal(null);
  });

  it("starts what was due long ago at once", () => {
    const world = World.ready().submit(spec("a", { not_before: { at_ms: 5 } }));
    expect(world.running()).to.deep.equal(["a"]);
  });

  it("finds a task again that was due before the clock was set back", () => {
    const world = busy()
      .submit(spec("a", { not_before: { delay_ms: 100 } }))
      .pass(100);
    world.at -= 50;
    expect(world.done("first").running()).to.deep.equal([]);
    expect(world.pass(50).running()).to.deep.equal(["a"]);
  });

  it("mixes instant and ordinary tasks by the same order", () => {
    const world = busy().submit(instant("a"), spec("b"), instant("c"));
    world.done("first");
    expect(world.running()).to.deep.equal(["a"]);
    // The worker takes no instant task past the ordinary one that waits for it.
    world.done("a");
    expect(world.running()).to.deep.equal(["b"]);
    expect(world.done("b").running()).to.deep.equal(["c"]);
  });

  it("starts nothing while there is no worker, and says so", () => {
    const world = new World();
    world.turn({ type: "pause", ids: [] }, { type: "resume", ids: [] });
    world.state.settings = World.ready().state.settings;
    world.submit(spec("a"));
    expect(world.running()).to.deep.equal([]);
    expect(world.why("a")).to.deep.equal({ on: "workers" });
  });

  it("keeps the place of a task that is retried", () => {
    const world = busy().submit(spec("a"), spec("b"));
    world.turn({ type: "cancel", ids: ids("a") });
    world.turn(retry("r1", "a"));
    expect(world.done("first").running()).to.deep.equal(["a"]);
  });
});
