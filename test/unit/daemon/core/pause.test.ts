import { expect } from "chai";
import { World, given, id, ids, spec, submit, worker } from "../../../helpers/core.ts";

const pause = (...names: string[]) => ({ type: "pause", ids: ids(...names) }) as const;
const resume = (...names: string[]) => ({ type: "resume", ids: ids(...names) }) as const;

describe("pause and resume", () => {
  it("keeps a queued task from starting until it is resumed", () => {
    const world = World.ready();
    world.turn(submit(spec("a")), pause("a"));
    expect(world.running()).to.deep.equal([]);
    expect(world.why("a")).to.deep.equal({ on: "paused", all: false });
    world.turn(resume("a"));
    expect(world.running()).to.deep.equal(["a"]);
  });

  it("changes nothing the second time", () => {
    const waiting = given(submit(spec("a")), pause("a"));
    waiting.when(pause("a")).thenNothing();
    waiting.when(resume("a")).thenEvents({ type: "TaskResumed", task: id("a") });
    waiting.when(resume("a")).thenNothing();
  });

  it("takes a task that is named twice once", () => {
    given(submit(spec("a")))
      .when(pause("a", "a"))
      .thenEvents({ type: "TaskPaused", task: id("a") });
  });

  it("refuses to pause what is not queued, and then pauses none", () => {
    const { world } = given(submit(spec("a"), spec("b")), {
      type: "AttemptStarted",
      task: id("a"),
      worker: worker(1),
      overtook: [],
    });
    const seq = world.state.seq;
    const decision = world.decide(pause("b", "a"));
    expect(decision.ok ? "" : decision.failure.message).to.match(/task a is running/);
    expect(world.state.seq).to.equal(seq);
  });

  it("resumes a task that has started meanwhile without complaint", () => {
    given(submit(spec("a")), { type: "cancel", ids: ids("a") })
      .when(resume("a"))
      .thenNothing();
  });

  it("refuses a task that does not exist", () => {
    given().when(pause("ghost")).thenRejected("not_found", /ghost/);
    given().when(resume("ghost")).thenRejected("not_found", /ghost/);
  });

  it("stops everything from starting, and lets what runs go on and land", () => {
    const world = World.ready().submit(spec("a"));
    world.turn(pause());
    world.submit(spec("b"));
    expect(world.why("b")).to.deep.equal({ on: "paused", all: true });
    expect(world.lands("a", ["x"]).status("a")).to.equal("succeeded");
    expect(world.running()).to.deep.equal([]);
    world.turn(resume());
    expect(world.running()).to.deep.equal(["b"]);
  });

  it("does not start a single one that is resumed while everything is paused", () => {
    const world = World.ready();
    world.turn(submit(spec("a")), pause("a"), pause());
    world.turn(resume("a"));
    expect(world.running()).to.deep.equal([]);
    world.turn(resume());
    expect(world.running()).to.deep.equal(["a"]);
  });

  it("pauses everything only once", () => {
    given(pause()).when(pause()).thenNothing();
    given().when(resume()).thenNothing();
  });

  it("resumes a task whose time, or whose dependencies, came while it was paused", () => {
    const world = World.ready({ slots: 3 });
    world.turn(
      submit(
        spec("first"),
        spec("late", { not_before: { delay_ms: 10 } }),
        spec("after", { after: ["first"] }),
      ),
      pause("late", "after"),
    );
    world.done("first").pass(10);
    expect(world.running()).to.deep.equal([]);
    world.turn(resume("late", "after"));
    expect(world.running()).to.have.members(["late", "after"]);
  });
});
