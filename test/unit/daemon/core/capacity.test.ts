import { expect } from "chai";
import { instantsHeldMax } from "../../../../ipc/workerMessages.ts";
import { World, gate, id, instant, spec, worker } from "../../../helpers/core.ts";
import * as limits from "../../../../daemon/core/limits.ts";
import type { TaskSpec } from "../../../../ipc/taskSpec.ts";

function many(count: number, of: (name: string) => TaskSpec, prefix = "t"): TaskSpec[] {
  return Array.from({ length: count }, (_, at) => of(`${prefix}${at}`));
}

function heldBy(world: World, slot: number): number {
  return world.state.workers.get(worker(slot))?.held.size ?? 0;
}

describe("capacity", () => {
  it("gives each worker one ordinary task", () => {
    const world = World.ready({ slots: 3 }).submit(...many(5, spec));
    expect(world.running()).to.deep.equal(["t0", "t1", "t2"]);
    expect([1, 2, 3].map((slot) => heldBy(world, slot))).to.deep.equal([1, 1, 1]);
    expect(world.why("t3")).to.deep.equal({ on: "slot" });
  });

  it("gives a worker up to 64 instant tasks, spread over the workers", () => {
    const world = World.ready({ slots: 2 }).submit(...many(100, instant));
    expect([heldBy(world, 1), heldBy(world, 2)]).to.deep.equal([50, 50]);
    world.submit(...many(100, instant, "more"));
    expect([heldBy(world, 1), heldBy(world, 2)]).to.deep.equal([64, 64]);
    expect(world.done("t0").state.counts.running).to.equal(128);
  });

  it("promises what the protocol promises", () => {
    expect(limits.instantsHeldMax).to.equal(instantsHeldMax);
  });

  it("gives a worker that runs an ordinary task no instant ones", () => {
    const world = World.ready({ slots: 2 }).submit(spec("long"), ...many(3, instant));
    expect([heldBy(world, 1), heldBy(world, 2)]).to.deep.equal([1, 3]);
  });

  it("does not starve an ordinary task by instant ones that keep coming", () => {
    const world = World.ready({ slots: 1 }).submit(...many(100, instant));
    world.submit(spec("ordinary")).submit(...many(100, instant, "later"));
    for (let at = 0; at < 100; at += 1) world.done(`t${at}`);
    expect(world.running()).to.deep.equal(["ordinary"]);
    expect(world.done("ordinary").state.counts.running).to.equal(64);
  });

  it("runs instant tasks that come before an ordinary one which waits for a worker", () => {
    const world = World.ready({ slots: 1 }).submit(...many(70, instant), spec("ordinary"));
    expect(world.done("t0").status("t64")).to.equal("running");
  });

  it("starts nothing on a gate worker, or beyond the number of slots", () => {
    const world = World.ready({ slots: 1 })
      .ready(worker(2))
      .ready(gate)
      .submit(...many(3, spec));
    expect(world.running()).to.deep.equal(["t0"]);
  });

  it("uses more slots as soon as there are more, and lets go of those there are not", () => {
    const world = World.ready({ slots: 1 })
      .ready(worker(2))
      .submit(...many(5, spec));
    const settings = world.state.settings;
    world.turn({ type: "settingsChanged", settings: { ...settings, slots: 2 } });
    expect(world.running()).to.deep.equal(["t0", "t1"]);
    world.turn({ type: "settingsChanged", settings });
    expect(world.done("t1").running()).to.deep.equal(["t0"]);
    expect(world.done("t0").running()).to.deep.equal(["t2"]);
    expect(world.task("t2").life).to.include({ worker: worker(1) });
  });

  it("starts a task the moment a worker is ready", () => {
    const world = World.ready({ slots: 1 });
    world.turn({ type: "workerGone", worker: worker(1) });
    world.submit(spec("a"));
    expect(world.why("a")).to.deep.equal({ on: "workers" });
    world.ready(worker(1));
    expect(world.effectsOf("dispatch")).to.have.length(1);
    expect(world.state.tasks.get(id("a"))?.life.status).to.equal("running");
  });
});
