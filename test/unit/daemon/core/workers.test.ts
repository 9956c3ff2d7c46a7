import { expect } from "chai";
import {
  World,
  gate,
  id,
  ids,
  instant,
  readyCommand,
  spec,
  started,
  submit,
  worker,
} from "../../../helpers/core.ts";

const first = worker(1);

describe("a worker that dials in", () => {
  it("is sent what it does not hold, as the same attempt, and not what it holds", () => {
    const world = World.ready({ slots: 2 }).submit(spec("a"), spec("b"));
    const fence = world.fence("a");
    world.ready(first, [fence]);
    expect(world.effects).to.deep.equal([]);
    world.ready(first);
    expect(world.effects).to.deep.equal([
      { kind: "dispatch", worker: first, task: "a", attempt: 1, fence, spec: world.task("a").spec },
    ]);
    expect(world.task("a").attempts).to.have.length(1);
  });

  it("is sent each attempt that starts in the same batch once, after its lock", () => {
    const world = new World();
    world.turn(started());
    world.turn(submit(spec("a", { claims: ["x"] })), readyCommand(first));
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal(["placeLock", "dispatch"]);
  });

  it("is told again to end what was cancelled, also when it never got it", () => {
    const world = World.ready().submit(spec("a"));
    const fence = world.fence("a");
    world.turn({ type: "cancel", ids: ids("a") });
    world.ready(first, [fence]);
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal(["cancelAttempt"]);
    world.ready(first);
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal(["dispatch", "cancelAttempt"]);
  });

  it("is known to hold its instant tasks, whatever the connection before knew", () => {
    const world = World.ready({ slots: 1 });
    world.submit(...Array.from({ length: 64 }, (_, at) => instant(`t${at}`)));
    world.ready(first, [world.fence("t0")]);
    expect(world.effectsOf("dispatch")).to.have.length(63);
    expect(world.state.workers.get(first)?.instants).to.equal(64);
    world.submit(instant("more"));
    expect(world.status("more")).to.equal("queued");
    expect(world.done("t0").status("more")).to.equal("running");
  });

  it("of the gate is sent no attempt", () => {
    const world = World.ready().submit(spec("a"));
    expect(world.ready(gate).effects).to.deep.equal([]);
  });
});

describe("a worker that is gone", () => {
  it("loses what it ran, which starts at once elsewhere", () => {
    const world = World.ready({ slots: 2 }).submit(spec("a", { claims: ["x"] }));
    world.turn({ type: "workerGone", worker: first });
    expect(world.task("a").life).to.include({ status: "running", worker: worker(2) });
    expect(world.task("a").attempts.map(({ result }) => result)).to.deep.equal(["lost", null]);
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal([
      "removeLock",
      "placeLock",
      "dispatch",
    ]);
  });

  it("loses nothing of what lands", () => {
    const world = World.ready().submit(spec("a")).done("a", ["x"]);
    world.turn({ type: "workerGone", worker: first });
    expect(world.step("a")).to.equal("merging");
  });

  it("is said to be gone once, and of an unknown one only its attempts are lost", () => {
    const world = World.ready().submit(spec("a"));
    world.turn({ type: "supervisorStarted", epoch: 2, settings: world.state.settings });
    world.turn({ type: "workerGone", worker: first });
    expect(world.events("WorkerGone")).to.deep.equal([]);
    expect(world.task("a").attempts[0]?.result).to.equal("lost");
    expect(world.status("a")).to.equal("queued");
  });
});

describe("what is asked for", () => {
  it("makes the lock stand for what was touched without being declared, until that has landed", () => {
    const world = World.ready()
      .submit(spec("a", { claims: ["x"] }))
      .done("a", ["x", "y"]);
    expect(world.effectsOf("placeLock")[0]?.holding.writes).to.deep.equal(["x", "y"]);
  });

  it("places a lock for what claims something, before it is sent out", () => {
    const world = World.ready({ slots: 4 });
    world.submit(spec("a", { claims: ["x"] }), spec("b"), spec("c", { claims: null }));
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal([
      "placeLock",
      "dispatch",
      "dispatch",
      "placeLock",
      "dispatch",
    ]);
    expect(world.effectsOf("placeLock")[0]).to.deep.include({
      task: id("a"),
      attempt: 1,
      fence: world.fence("a"),
      worker: first,
      grantedAt: world.at,
      holding: { writes: ["x"], reads: [], resources: {}, optimistic: false },
    });
  });

  it("removes the lock when the attempt has ended, but keeps it while it lands", () => {
    const world = World.ready()
      .submit(spec("a", { claims: ["x"] }))
      .done("a", ["x"]);
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal(["merge"]);
    world.merged("a");
    expect(world.effectsOf("removeLock")).to.deep.equal([]);
    expect(world.moved("a").effectsOf("removeLock")).to.have.length(1);
    world.submit(spec("b", { claims: ["x"] })).fail("b");
    expect(world.effectsOf("removeLock")).to.have.length(1);
  });
});
