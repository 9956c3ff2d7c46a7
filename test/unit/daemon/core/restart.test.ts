import { expect } from "chai";
import { emptyState } from "../../../../daemon/core/emptyState.ts";
import { evolve } from "../../../../daemon/core/evolve.ts";
import { eventVersion, upcast } from "../../../../daemon/core/upcast.ts";
import { pending } from "../../../../daemon/core/react.ts";
import { restore, stateRow } from "../../../../daemon/core/snapshot.ts";
import {
  World,
  candidateOf,
  gate,
  id,
  ids,
  oid,
  spec,
  started,
  testCommand,
  throughJson,
  worker,
} from "../../../helpers/core.ts";
import type { State } from "../../../../daemon/core/state.ts";

/** The next supervisor's state: from a snapshot that has been through JSON, with no worker yet. */
function nextSupervisor(world: World): World {
  const { state } = world;
  const open = [...state.tasks.values()].filter(({ id }) => !state.finals.has(id));
  const finals = [...state.finals].map(([id, final]) => ({ id, ...final }));
  const next = new World();
  next.at = world.at + 1;
  next.state = restore(
    throughJson(stateRow(state)),
    throughJson(open),
    throughJson(finals),
    next.at,
  );
  next.turn(started(state.settings, state.epoch + 1));
  return next;
}

function kinds(state: State): string[] {
  return pending(state).map(({ kind }) => kind);
}

describe("after a restart", () => {
  it("nothing is asked for when nothing was under way, but following", () => {
    const world = nextSupervisor(World.ready().submit(spec("a")).lands("a", ["x"]));
    expect(pending(world.state)).to.deep.equal([{ kind: "follow", from: null }]);
  });

  it("locks are placed again for what runs and what lands, and attempts wait for their workers", () => {
    const before = World.ready({ follow: "manual" }).submit(
      spec("a", { claims: ["x"] }),
      spec("b", { claims: null }),
    );
    before.done("b", ["y"]);
    const world = nextSupervisor(before);
    expect(pending(world.state)).to.deep.include.members([
      {
        kind: "placeLock",
        task: "a",
        attempt: 1,
        fence: world.fence("a"),
        worker: worker(1),
        holding: { writes: ["x"], reads: [], resources: {}, optimistic: false },
        grantedAt: before.at,
      },
    ]);
    expect(kinds(world.state)).to.deep.equal(["placeLock", "placeLock", "merge"]);
    world.ready(worker(1), []);
    expect(world.effectsOf("dispatch").map(({ task }) => task)).to.deep.equal(["a"]);
  });

  it("a cancellation is asked for again", () => {
    const before = World.ready({ follow: "off" }).submit(spec("a"));
    before.turn({ type: "cancel", ids: ids("a") });
    const world = nextSupervisor(before);
    expect(kinds(world.state)).to.deep.equal(["cancelAttempt"]);
    world.ready(worker(1), [world.fence("a")]);
    expect(world.effectsOf("cancelAttempt")).to.have.length(1);
  });

  it("the step that a landing was at is asked for again, exactly as before", () => {
    const world = World.ready({ follow: "off", verify: [testCommand] }).submit(spec("a"));
    const again = () => {
      const steps = pending(nextSupervisor(world).state).slice(1);
      expect(steps).to.deep.equal(world.effects.filter(({ kind }) => kind !== "placeLock"));
    };
    world.done("a", ["x"]);
    again();
    world.merged("a");
    again();
    const failure = { kind: "exit", exit_code: 1 } as const;
    const red = { result: "gate_red", command: testCommand, failure, output: "" } as const;
    world.report("a", red);
    again();
    world.report("a", { result: "ended", saved: null });
    world.merged("a", candidateOf("a", { tree: oid("tree-other") }));
    world.report("a", { result: "gate_green" });
    again();
    expect(world.step("a")).to.equal("moving");
  });

  it("a gate run whose worker kept it is not lost, and one whose worker died is made anew", () => {
    const before = World.ready({ verify: [testCommand] })
      .submit(spec("a"))
      .done("a", ["x"]);
    const world = nextSupervisor(before.merged("a"));
    world.ready(gate, [world.fence("a")]).report("a", { result: "gate_green" });
    expect(world.step("a")).to.equal("moving");
  });

  it("claims are held, waiters wait and places are counted as before", () => {
    const before = World.ready({ slots: 2 }).submit(
      spec("a", { claims: ["x"] }),
      spec("b", { claims: ["x"] }),
      spec("c", { claims: ["y"] }),
      spec("d"),
    );
    const world = nextSupervisor(before);
    expect(world.running()).to.deep.equal(["a", "c"]);
    world.ready(worker(1), [world.fence("a")]).ready(worker(2), [world.fence("c")]);
    expect(world.running()).to.deep.equal(["a", "c"]);
    expect(world.why("b")).to.deep.include({ on: "claim", holder: "a" });
    expect(world.why("d")).to.deep.equal({ on: "slot" });
    expect(world.done("c").running()).to.deep.equal(["a", "d"]);
    expect(world.done("a").running()).to.have.members(["b", "d"]);
  });

  it("what landed work touched without declaring it is still held", () => {
    const before = World.ready({ slots: 3 })
      .submit(spec("a", { claims: null }))
      .done("a", ["x"]);
    const world = nextSupervisor(before).ready(worker(2));
    world.submit(spec("b", { claims: ["x"] }));
    expect(world.running()).to.deep.equal([]);
  });

  it("a pause, dependencies and times are as before", () => {
    const before = World.ready({ slots: 5 }).submit(
      spec("a"),
      spec("b", { after: ["a"] }),
      spec("timed", { not_before: { delay_ms: 50 } }),
      spec("c", { not_before: { delay_ms: 50 } }),
    );
    before.turn({ type: "pause", ids: ids("c") });
    const world = nextSupervisor(before)
      .ready(worker(1), [before.fence("a")])
      .ready(worker(2));
    expect(world.running()).to.deep.equal(["a"]);
    expect(world.pass(50).running()).to.deep.equal(["a", "timed"]);
    expect(world.why("c")).to.deep.equal({ on: "paused", all: false });
    expect(world.done("a").running()).to.have.members(["b", "timed"]);
  });

  it("finished tasks are known by what is kept of them", () => {
    const before = World.ready().submit(spec("a"), spec("b")).lands("a", ["x"]).fail("b");
    const world = nextSupervisor(before);
    expect(world.state.tasks.size).to.equal(0);
    expect(world.state.counts).to.deep.include({ succeeded: 1, failed: 1, queued: 0 });
    expect(world.state.finals.get(id("a"))).to.deep.include({ commit: oid("c-a") });
    world.ready(worker(1)).submit(spec("c", { after: ["a"] }), spec("d", { after: ["b"] }));
    expect([world.status("c"), world.status("d")]).to.deep.equal(["running", "failed"]);
  });
});

describe("a snapshot", () => {
  it("may hold a finished task as a whole, which is counted once", () => {
    const { state } = World.ready().submit(spec("a"), spec("b")).done("a");
    const finals = [...state.finals].map(([name, final]) => ({ id: name, ...final }));
    const restored = restore(throughJson(stateRow(state)), state.tasks.values(), finals, 0);
    expect(restored.counts).to.deep.equal(state.counts);
    expect([...restored.tasks.keys()]).to.deep.equal(ids("a", "b"));
  });
});

describe("the journal", () => {
  it("must be replayed without a gap", () => {
    const event = { type: "AllPaused" } as const;
    expect(() => evolve(emptyState(), { seq: 2, at: 0, event })).to.throw(
      /event 2 does not follow 0/,
    );
  });

  it("of a newer version is refused, and of this one read as it is", () => {
    expect(() => upcast("AllPaused", eventVersion + 1, {})).to.throw(/written in version 2/);
    expect(upcast("TaskPaused", eventVersion, { task: "a" })).to.deep.equal({
      type: "TaskPaused",
      task: "a",
    });
  });

  it("with an event that does not fit its state is a bug, and throws", () => {
    const world = World.ready().submit(spec("a"));
    const task = id("a");
    expect(() => world.apply({ type: "GatePassed", task, tree: oid("t") })).to.throw(/not landing/);
    expect(() => world.apply({ type: "LandingStarted", task })).to.throw(/not landing/);
    expect(() => world.apply({ type: "TaskCancelled", task: id("ghost") })).to.throw(/ghost/);
  });
});
