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

const pauseLabel = (label: string) => ({ type: "pauseLabel", label }) as const;
const resumeLabel = (label: string) => ({ type: "resumeLabel", label }) as const;

describe("a pause of a label", () => {
  it("keeps all tasks with it from starting, also later ones, and nobody else", () => {
    const world = World.ready({ slots: 9 });
    world.turn(submit(spec("a", { labels: ["docs", "slow"] })), pauseLabel("slow"));
    world.submit(spec("b", { labels: ["slow"] }), spec("c", { labels: ["docs"] }), spec("d"));
    expect(world.running()).to.deep.equal(["c", "d"]);
    expect(world.why("a")).to.deep.equal({ on: "paused", all: false, label: "slow" });
    world.turn(resumeLabel("slow"));
    expect(world.running()).to.deep.equal(["a", "b", "c", "d"]);
  });

  it("says which tasks it changes, and changes nothing the second time", () => {
    const labels = ["slow"];
    const waiting = given(submit(spec("a", { labels }), spec("b")));
    const { decision } = waiting.when(pauseLabel("slow"));
    expect(decision).to.deep.include({ answer: { of: "change", changed: ids("a") } });
    waiting.when(pauseLabel("slow")).thenNothing();
    waiting.when(resumeLabel("slow")).thenEvents({ type: "LabelResumed", label: "slow" });
    waiting.when(resumeLabel("slow")).thenNothing();
  });

  it("leaves a task paused that is paused by itself or by another label as well", () => {
    const world = World.ready();
    const labels = ["one", "two"];
    const both = submit(spec("a", { labels }), spec("b", { labels }));
    world.turn(both, pause("b"), pauseLabel("one"), pauseLabel("two"));
    world.turn(resumeLabel("one"));
    expect(world.why("a")).to.deep.include({ label: "two" });
    world.turn(resumeLabel("two"));
    expect([world.status("a"), world.status("b")]).to.deep.equal(["running", "queued"]);
    world.turn(resume("b"));
    expect(world.status("b")).to.equal("running");
  });

  it("lets those go who waited behind one that it stops, and what runs goes on", () => {
    const world = World.ready({ slots: 9, fairnessWindowMs: 1_000 });
    world.submit(spec("holder", { claims: ["h"], labels: ["slow"] }));
    world.submit(spec("wide", { claims: ["**"], labels: ["slow"] })).pass(1_000);
    world.submit(spec("behind", { claims: ["b"] }));
    expect(world.why("behind")).to.deep.include({ holder: id("wide") });
    world.turn(pauseLabel("slow"));
    expect(world.running()).to.deep.equal(["holder", "behind"]);
    world.done("holder").done("behind").turn(resumeLabel("slow"));
    expect(world.running()).to.deep.equal(["wide"]);
  });

  it("is refused for more labels than can be kept", () => {
    const many = Array.from({ length: 256 }, (_, at) => pauseLabel(`l${at}`));
    given(...many)
      .when(pauseLabel("one more"))
      .thenRejected("limit", /256 labels/);
  });
});
