import { expect } from "chai";
import { landingOrder } from "../../../../daemon/core/landing.ts";
import { World, candidateOf, id, oid, spec } from "../../../helpers/core.ts";

/** Tasks that have run and touched a file of their own name; the first of them is being merged. */
function landing(...names: string[]): World {
  const world = World.ready({ slots: names.length }).submit(...names.map((name) => spec(name)));
  for (const name of names) world.done(name, [name]);
  return world;
}

describe("landing", () => {
  it("merges, moves the branch and is done: one commit", () => {
    const world = World.ready().submit(spec("a")).done("a", ["x"]);
    const fence = world.landingFence("a");
    const [merge] = world.effectsOf("merge");
    expect(merge).to.deep.include({ task: id("a"), fence, attempt: 1, at: world.at });
    world.merged("a");
    expect(world.effectsOf("move")).to.deep.equal([
      {
        kind: "move",
        task: "a",
        fence,
        candidate: {
          commit: oid("c-a"),
          tree: oid("tree-a"),
          onto: oid("tip"),
          ontoTree: oid("tree-tip"),
        },
      },
    ]);
    world.moved("a");
    expect(world.task("a").life).to.deep.include({ status: "succeeded", commit: oid("c-a") });
    expect(world.state.landing).to.deep.include({ tip: oid("c-a"), current: null });
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal(["removeLock", "follow"]);
  });

  it("is success without a commit when the tip holds the change already", () => {
    const world = landing("a").merged("a", { kind: "no_change" });
    expect(world.task("a").life).to.deep.include({ status: "succeeded", commit: null });
  });

  it("takes one task at a time where each commit is tested", () => {
    const world = landing("a", "b");
    world.turn({ type: "settingsChanged", settings: { ...world.state.settings, gate: "each" } });
    expect(world.step("b")).to.equal("waiting");
    expect(world.merged("a").step("b")).to.equal("waiting");
    world.moved("a");
    expect(world.step("b")).to.equal("merging");
    expect(world.effectsOf("merge")).to.have.length(1);
  });

  it("takes them by priority with age, then in order of submission, not of their ends", () => {
    const world = World.ready({ slots: 5 }).submit(
      spec("first"),
      spec("a"),
      spec("b"),
      spec("high", { priority: 1 }),
    );
    for (const name of ["first", "b", "a", "high"]) world.done(name, [name]);
    expect(landingOrder(world.state).map((task) => task.id)).to.deep.equal(["high", "a", "b"]);
    expect(world.merged("first").moved("first").step("high")).to.equal("merging");
  });

  it("changes nothing on the result of a step that belongs to another landing or another step", () => {
    const world = landing("a");
    const fence = world.landingFence("a");
    const { seq } = world.state;
    const moved = { kind: "moved", commit: oid("c-a") } as const;
    world.turn({ type: "merged", task: id("a"), fence: fence + 1, result: candidateOf("a") });
    world.turn({ type: "merged", task: id("ghost"), fence, result: candidateOf("a") });
    world.turn({ type: "moved", task: id("a"), fence, result: moved });
    expect(world.state.seq).to.equal(seq);
    world.merged("a");
    const later = world.state.seq;
    world.turn({ type: "merged", task: id("a"), fence, result: candidateOf("a") });
    expect(world.state.seq).to.equal(later);
  });

  it("merges again when the branch had moved", () => {
    const world = landing("a").merged("a").pass(5).moved("a", { kind: "outdated" });
    expect(world.step("a")).to.equal("merging");
    expect(world.effectsOf("merge")).to.have.length(1);
    expect(world.merged("a").moved("a").status("a")).to.equal("succeeded");
    expect(world.task("a").setbacks.lost).to.equal(0);
  });
});

describe("a conflict", () => {
  const conflict = {
    kind: "conflict",
    paths: ["x"],
    ref: "refs/orchd/conflicts/a",
    ours: oid("tip"),
  } as const;

  it("makes the task run again, twice, and then fail", () => {
    const world = World.ready().submit(spec("a"));
    for (let times = 0; times < 2; times += 1) {
      world.done("a", ["x"]).merged("a", conflict);
      expect(world.status("a")).to.equal("running");
    }
    world.done("a", ["x"]).merged("a", conflict);
    expect(world.task("a").life).to.deep.include({
      reason: { kind: "conflict", paths: ["x"], ref: conflict.ref, ours: conflict.ours },
    });
    expect(world.task("a").attempts).to.have.length(3);
  });

  it("gives the claims back meanwhile, and the lock file", () => {
    const world = World.ready({ slots: 1 }).submit(spec("a", { claims: ["x"] }));
    world.done("a", ["x"]).submit(spec("b", { claims: ["x"], priority: 9 }));
    world.merged("a", conflict);
    expect(world.running()).to.deep.equal(["b"]);
    expect(world.effectsOf("removeLock").map(({ holder }) => holder)).to.deep.equal(["a"]);
    expect(world.done("b").running()).to.deep.equal(["a"]);
  });
});

describe("undeclared work that lands", () => {
  it("waits behind a running holder of what it touched", () => {
    const world = World.ready({ slots: 3 }).submit(
      spec("holder", { claims: ["src/**"] }),
      spec("a", { claims: null }),
      spec("b", { claims: null }),
    );
    world.done("a", ["src/x"]).done("b", ["docs/y"]);
    expect(world.step("a")).to.equal("waiting");
    expect(world.step("b")).to.equal("merging");
    world.merged("b").moved("b");
    expect(world.step("a")).to.equal("waiting");
    world.done("holder", ["src/z"]);
    expect(world.merged("holder").moved("holder").step("a")).to.equal("merging");
  });

  it("waits for a running reader too, and for a declared task's paths outside its claims", () => {
    const world = World.ready({ slots: 3 }).submit(
      spec("reader", { claims: { reads: ["docs/**"] } }),
      spec("a", { claims: ["src/**"] }),
    );
    world.done("a", ["docs/x", "src/y"]);
    expect(world.step("a")).to.equal("waiting");
    expect(world.done("reader").step("a")).to.equal("merging");
  });

  it("lands at once by the policy `allow`", () => {
    const world = World.ready({ outsideClaims: "allow" }).submit(
      spec("holder", { claims: ["src/**"] }),
      spec("a", { claims: null }),
    );
    expect(world.done("a", ["src/x"]).step("a")).to.equal("merging");
  });

  it("does not wait for another that declared nothing either", () => {
    const world = World.ready().submit(spec("a", { claims: null }), spec("b", { claims: null }));
    expect(world.done("a", ["x"]).step("a")).to.equal("merging");
  });
});
