import { expect } from "chai";
import {
  World,
  candidateOf,
  essence,
  id,
  oid,
  request,
  retry,
  saved,
  spec,
  testCommand,
  throughJson,
} from "../../../helpers/core.ts";
import { emptyState } from "../../../../daemon/core/emptyState.ts";
import { evolve } from "../../../../daemon/core/evolve.ts";
import { lostMax } from "../../../../daemon/core/state.ts";
import { parkedOf } from "../../../../daemon/core/parked.ts";
import { restore, stateRow } from "../../../../daemon/core/snapshot.ts";
import type { Command, MergeResult } from "../../../../daemon/core/commands.ts";
import type { SpecChanges } from "../../../helpers/core.ts";
import type { StoredTask } from "../../../../daemon/core/state.ts";

const conflict = { kind: "conflict", paths: ["x"], ref: "refs/p", ours: oid("tip") } as const;

function parked(changes: SpecChanges = {}, settings: Parameters<typeof World.ready>[0] = {}) {
  const world = World.ready({ slots: 3, ...settings }).submit(spec("a", changes));
  for (let times = 0; times < 3; times += 1) world.done("a", ["x"]).merged("a", conflict);
  expect(world.status("a")).to.equal("failed");
  return world;
}

function resolve(
  name: string,
  touched: readonly string[] = ["x"],
  archived: StoredTask | null = null,
): Command {
  const work = saved(touched, { commit: oid(`by-${name}`), ref: "refs/orchd/resolutions/a/r" });
  return { type: "resolve", request: request(name), task: id("a"), saved: work, archived };
}

/** `landingFence` of the helper is that of the attempt. */
function mergedByPerson(world: World, result: MergeResult = candidateOf("a")): World {
  const { life } = world.task("a");
  const fence = life.status === "landing" ? life.fence : 0;
  world.turn({ type: "merged", task: id("a"), fence, result });
  return world;
}

describe("a task that continues after a conflict", () => {
  const done = (world: World, unresolved?: readonly string[]) =>
    world.report("a", {
      result: "done",
      saved: saved(["x"], unresolved === undefined ? {} : { unresolved }),
    });

  it("is given the change that conflicted, until it has landed or a person starts it over", () => {
    const world = World.ready().submit(spec("a", { on_conflict: "continue", retries: 1 }));
    expect(world.effectsOf("dispatch")[0]).to.not.have.property("earlier");
    world.done("a", ["x"]).merged("a", conflict);
    const continues = { base: oid("base"), commit: oid("work-x"), attempt: 1 };
    expect(world.effectsOf("dispatch")[0]?.earlier?.continues).to.deep.equal(continues);
    world.fail("a").pass(1_000);
    expect(world.effectsOf("dispatch")[0]?.earlier?.continues).to.deep.equal(continues);
    world.fail("a").turn(retry("r1", "a"));
    expect(world.effectsOf("dispatch")[0]?.earlier).to.not.have.property("continues");
  });

  it("goes on from what the checks saw when they were red after it had resolved its conflict", () => {
    const world = World.ready({ verify: [testCommand] });
    world.state.landing.green.add(oid("tree-tip"));
    world.submit(spec("a", { on_conflict: "continue", retries: 1 }));
    world.done("a", ["x"]).merged("a", conflict).done("a", ["y"]).merged("a");
    const failure = { kind: "exit", exit_code: 1 } as const;
    world.report("a", { result: "gate_red", command: testCommand, failure, output: "no" });
    world.pass(1_000);
    const earlier = world.effectsOf("dispatch")[0]?.earlier;
    const continues = { base: oid("base"), commit: oid("work-y"), attempt: 2 };
    expect(earlier).to.deep.include({ continues, red: { command: testCommand, output: "no" } });
  });

  it("is given nothing where it simply runs again", () => {
    const world = World.ready().submit(spec("a"));
    world.done("a", ["x"]).merged("a", conflict);
    expect(world.effectsOf("dispatch")[0]?.earlier).to.not.have.property("continues");
  });

  it("does not land a conflict that it left: it runs again, and is parked at the third", () => {
    const world = World.ready().submit(spec("a", { on_conflict: "continue" }));
    world.done("a", ["x"]).merged("a", conflict);
    done(world, ["x"]);
    expect(world.status("a")).to.equal("running");
    expect(world.effectsOf("dispatch")[0]?.earlier?.continues?.attempt).to.equal(1);
    done(world, ["x"]);
    const reason = { kind: "conflict", paths: ["x"], ref: "refs/p", ours: oid("tip") };
    expect(world.task("a").life).to.deep.include({ reason });
    expect(parkedOf(world.task("a"))?.ref).to.equal("refs/p");
    expect(world.turn(resolve("r1"))[0]?.ok).to.equal(true);
  });

  it("is parked too when it fails by itself, or is cancelled, before it has resolved its conflict", () => {
    const ends: readonly ((world: World) => unknown)[] = [
      (world) => world.fail("a"),
      (world) => world.fail("a").pass(1_000).fail("a"),
      (world) =>
        world.turn({ type: "cancel", ids: [id("a")] }).length &&
        world.report("a", { result: "ended", saved: null }),
    ];
    for (const [at, end] of ends.entries()) {
      const world = World.ready().submit(spec("a", { on_conflict: "continue", retries: at }));
      world.done("a", ["x"]).merged("a", conflict);
      end(world);
      if (at === 2) expect(world.status("a")).to.equal("cancelled");
      else expect(world.task("a").life).to.have.nested.property("reason.kind", "attempt");
      const { kind: _, ...met } = conflict;
      expect(parkedOf(world.task("a")), `${at}`).to.deep.equal(met);
      expect(world.turn(resolve("r1"))[0]?.ok, `${at}`).to.equal(true);
    }
  });

  it("is not parked for a conflict that it has resolved, nor where it began anew", () => {
    const resolved = World.ready({ verify: [testCommand] });
    resolved.state.landing.green.add(oid("tree-tip"));
    resolved.submit(spec("a", { on_conflict: "continue" }));
    resolved.done("a", ["x"]).merged("a", conflict).done("a", ["y"]).merged("a");
    const failure = { kind: "exit", exit_code: 1 } as const;
    resolved.report("a", { result: "gate_red", command: testCommand, failure, output: "no" });
    expect(resolved.status("a")).to.equal("failed");
    expect(parkedOf(resolved.task("a"))).to.equal(null);
    const anew = World.ready().submit(spec("a"));
    anew.done("a", ["x"]).merged("a", conflict).fail("a");
    expect(parkedOf(anew.task("a"))).to.equal(null);
  });

  it("tells how many files it left in conflict where it cannot name them all", () => {
    const world = World.ready().submit(spec("a", { on_conflict: "continue" }));
    world.done("a", ["x"]).merged("a", { ...conflict, paths_total: 2_000 });
    expect(world.task("a").conflict?.paths_total).to.equal(2_000);
    const left = saved(["x"], { unresolved: ["x"], unresolved_total: 3_000 });
    for (let times = 0; times < 2; times += 1) world.report("a", { result: "done", saved: left });
    expect(world.task("a").life).to.have.nested.property("reason.paths_total", 3_000);
    expect(parkedOf(world.task("a"))?.paths_total).to.equal(3_000);
  });

  it("lands what it resolved", () => {
    const world = World.ready().submit(spec("a", { on_conflict: "continue" }));
    world.done("a", ["x"]).merged("a", conflict);
    expect(done(world).step("a")).to.equal("merging");
  });
});

describe("a person's resolution", () => {
  it("lands instead of the parked work, once, with a fence of its own", () => {
    const world = parked();
    world.turn(resolve("r1"));
    const { seq } = world.state;
    const [merge] = world.effectsOf("merge");
    expect(merge?.saved.commit).to.equal(oid("by-r1"));
    expect(merge?.fence).to.be.greaterThan(world.task("a").attempts[2]?.fence ?? 0);
    expect(world.effectsOf("placeLock").map(({ fence }) => fence)).to.deep.equal([merge?.fence]);
    expect(world.state.counts).to.deep.include({ failed: 0, landing: 1 });
    world.turn(resolve("r1"));
    expect(world.state.seq).to.equal(seq);
    mergedByPerson(world);
    world.turn({
      type: "moved",
      task: id("a"),
      fence: merge?.fence ?? 0,
      result: { kind: "moved", commit: oid("c-a") },
    });
    expect(world.task("a").life).to.deep.include({ status: "succeeded", commit: oid("c-a") });
    const [again] = world.turn(resolve("r1"));
    expect(again?.ok).to.equal(true);
    expect(world.turn(resolve("r2"))[0]).to.have.nested.property("failure.code", "wrong_status");
  });

  it("is not held to what befell the attempts before: checks that are lost once are run again", () => {
    const world = parked({}, { verify: [testCommand] });
    world.task("a").setbacks.lost = lostMax;
    world.turn(resolve("r1"));
    mergedByPerson(world).report("a", { result: "lost", saved: null });
    expect(world.status("a")).to.equal("landing");
  });

  it("of a task that left the memory works as well, and survives a restart", () => {
    const world = parked();
    const archived = world.evict("a");
    expect(world.turn(resolve("r0"))[0]).to.have.nested.property("failure.code", "busy");
    const unknown = { ...resolve("r0"), task: id("nobody") } as Command;
    expect(world.turn(unknown)[0]).to.have.nested.property("failure.code", "not_found");
    world.turn(resolve("r1", ["x"], archived));
    expect(world.step("a")).to.equal("merging");
    const replayed = emptyState();
    for (const recorded of throughJson(world.journal)) evolve(replayed, recorded);
    expect(essence(replayed)).to.deep.equal(essence(world.state));
    const tasks = throughJson([...world.state.tasks.values()]);
    const restored = restore(throughJson(stateRow(world.state)), tasks, [], world.at);
    expect([...restored.schedule.holders.keys()]).to.deep.equal(["a"]);
  });

  it("that conflicts with what landed later parks at once, and may be made anew", () => {
    const world = parked();
    world.turn(resolve("r1"));
    const newer = { ...conflict, paths: ["y"] };
    mergedByPerson(world, newer);
    expect(world.task("a").life).to.have.nested.property("reason.kind", "conflict");
    expect(parkedOf(world.task("a"))?.paths).to.deep.equal(["y"]);
    expect(world.turn(resolve("r2"))[0]?.ok).to.equal(true);
  });

  it("that is red has failed, whatever retries the task has, and may be made anew", () => {
    const world = parked({ retries: 5 }, { verify: [testCommand] });
    world.turn(resolve("r1"));
    mergedByPerson(world);
    const failure = { kind: "exit", exit_code: 1 } as const;
    const red = { result: "gate_red", command: testCommand, failure, output: "no" } as const;
    world.report("a", red).report("a", { result: "gate_green" });
    expect(world.task("a").life).to.have.nested.property("reason.kind", "gate");
    expect(parkedOf(world.task("a"))?.ref).to.equal("refs/p");
    expect(world.turn(resolve("r2"))[0]?.ok).to.equal(true);
  });

  it("waits behind those who hold by now what it touches, and nobody starts over it", () => {
    const world = parked({ claims: ["src/**"] });
    world.submit(spec("holder", { claims: ["src/**"] }));
    world.turn(resolve("r1", ["src/x"]));
    expect(world.step("a")).to.equal("waiting");
    world.submit(spec("later", { claims: ["src/x"] }), spec("beside", { claims: ["docs/**"] }));
    expect(world.running()).to.deep.equal(["holder", "beside"]);
    world.done("holder");
    expect(world.step("a")).to.equal("merging");
    expect(world.running()).to.deep.equal(["beside"]);
  });

  it("is refused where it changes what the task may not, and for a task that is not parked", () => {
    const world = parked({ claims: ["x"] }, { outsideClaims: "fail" });
    const [outside] = world.turn(resolve("r1", ["x", "y"]));
    expect(outside).to.have.nested.property("failure.code", "refused");
    expect(outside).to.have.nested.property("failure.message").that.includes("y");
    const more = saved(["x"], { commit: oid("by-r2"), ref: "refs/orchd/resolutions/a/r" });
    for (const [claim, isAllowed] of [
      ["x", false],
      ["**/*", true],
    ] as const) {
      const one = parked({ claims: [claim] }, { outsideClaims: "fail" });
      const uncounted = { ...resolve("r2"), saved: { ...more, touched_total: 9 } } as Command;
      expect(one.turn(uncounted)[0]?.ok, claim).to.equal(isAllowed);
    }
    world.submit(spec("b")).fail("b");
    const other = { ...resolve("r2"), task: id("b") } as Command;
    expect(world.turn(other)[0])
      .to.have.nested.property("failure.message")
      .that.includes("failed for another reason");
    world.turn({ type: "retry", request: request("r3"), ids: [id("a")], archived: new Map() });
    expect(world.turn(resolve("r4"))[0]).to.have.nested.property("failure.code", "wrong_status");
    expect(parkedOf(world.task("a"))).to.equal(null);
  });

  it("that is cancelled may be made anew", () => {
    const world = parked();
    world.turn(resolve("r1"), { type: "cancel", ids: [id("a")] });
    expect(world.status("a")).to.equal("cancelled");
    expect(world.turn(resolve("r2"))[0]?.ok).to.equal(true);
  });
});
