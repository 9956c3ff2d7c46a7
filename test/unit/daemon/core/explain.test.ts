import { expect } from "chai";
import { World, id, ids, spec, submit, worker } from "../../../helpers/core.ts";

describe("why a task waits", () => {
  it("is nothing once it does not wait", () => {
    const world = World.ready().submit(spec("a"), spec("b")).done("b");
    expect([world.why("a"), world.why("b")]).to.deep.equal([null, null]);
  });

  it("names the most lasting of several reasons", () => {
    const world = World.ready({ slots: 1 }).submit(spec("busy", { claims: ["x"] }));
    const everything = spec("a", {
      claims: ["x"],
      after: ["busy"],
      not_before: { delay_ms: 1_000 },
    });
    world.turn(submit(everything, spec("b", { claims: ["x"], not_before: { delay_ms: 1_000 } })));
    world.turn({ type: "pause", ids: ids("a") });
    expect(world.why("a")).to.deep.equal({ on: "paused", all: false });
    world.turn({ type: "resume", ids: ids("a") }, { type: "pause", ids: [] });
    expect(world.why("a")).to.deep.equal({ on: "after", tasks: ids("busy") });
    expect(world.why("b")).to.deep.include({ on: "time" });
    expect(world.pass(1_000).why("b")).to.deep.equal({ on: "paused", all: true });
    world.turn({ type: "resume", ids: [] });
    expect(world.why("b")).to.deep.include({ on: "claim", holder: id("busy") });
  });

  it("is known without a place being free to look for", () => {
    const world = World.ready({ slots: 1 }).submit(spec("busy", { claims: ["x"] }));
    world.submit(spec("a", { claims: ["x"] }), spec("b", { claims: ["y"] }));
    expect(world.why("a")).to.deep.include({ on: "claim", holder: id("busy"), claim: "x" });
    expect(world.why("b")).to.deep.equal({ on: "slot" });
    expect(world.state.schedule.blocked.size).to.equal(0);
  });

  it("tells a place that is taken from a worker that is not there", () => {
    const world = World.ready({ slots: 1 }).submit(spec("busy"), spec("a"));
    expect(world.why("a")).to.deep.equal({ on: "slot" });
    world.turn({ type: "workerGone", worker: worker(1) });
    expect(world.why("a")).to.deep.equal({ on: "workers" });
  });

  it("names everybody who holds some of a resource that does not suffice", () => {
    const world = World.ready({ slots: 4, resources: { db: 2 } });
    const uses = (name: string) => spec(name, { claims: { resources: { db: 1 } } });
    world.submit(uses("a"), uses("b"), uses("c"));
    expect(world.why("c")).to.deep.equal({
      on: "resource",
      resource: "db",
      holders: ids("a", "b"),
    });
  });
});
