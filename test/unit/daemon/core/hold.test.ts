import { expect } from "chai";
import { World, given, id, ids, oid, spec, started } from "../../../helpers/core.ts";

const problem = { kind: "problem", message: "index.lock is there" } as const;
const rewound = { kind: "rewound", message: "main was reset" } as const;

function held(reason: typeof problem | typeof rewound = problem): World {
  const world = World.ready({ slots: 3, chainMax: 1 }).submit(spec("a"), spec("b"));
  world.done("a", ["a"]).done("b", ["b"]);
  world.turn({ type: "landingHeld", reason });
  return world;
}

describe("landing that cannot go on", () => {
  it("says so once, and again only for another reason", () => {
    const world = held();
    const { seq } = world.state;
    world.turn({ type: "landingHeld", reason: problem });
    expect(world.state.seq).to.equal(seq);
    world.turn({ type: "landingHeld", reason: rewound });
    expect(world.state.landing.held).to.deep.equal(rewound);
  });

  it("goes on by itself when the step goes through after all", () => {
    const world = held().merged("a");
    expect(world.state.landing.held).to.equal(null);
    expect(world.effectsOf("move")).to.have.length(1);
    world.turn({ type: "landingHeld", reason: problem });
    world.moved("a");
    expect(world.state.landing.held).to.equal(null);
    // Asked for once, though being released and having started both lead to it.
    expect(world.effectsOf("merge").map(({ task }) => task)).to.deep.equal(["b"]);
    expect(world.effectsOf("follow")).to.have.length(1);
  });

  it("asks for the same step again when somebody releases it", () => {
    const world = held();
    world.turn({ type: "landingReleased", tip: null });
    expect(world.effects.map(({ kind }) => kind)).to.deep.equal(["merge", "follow"]);
    expect(world.state.landing.held).to.equal(null);
  });

  it("takes the person's branch as it is when that was accepted", () => {
    const world = held(rewound);
    world.turn({ type: "landingReleased", tip: oid("theirs") });
    expect(world.state.landing).to.deep.include({ tip: oid("theirs"), followed: oid("theirs") });
  });

  it("is nothing to release when nothing is held", () => {
    given().when({ type: "landingReleased", tip: null }).thenNothing();
  });

  it("lets the next one try when the one that ran into it is cancelled", () => {
    const world = held();
    world.turn({ type: "cancel", ids: ids("a") });
    expect(world.step("b")).to.equal("merging");
    expect(world.effectsOf("merge").map(({ task }) => task)).to.deep.equal(["b"]);
  });

  it("lets the next one try when the one that ran into it is red at its gate", () => {
    const world = held()
      .merged("a")
      .moved("a")
      .submit(spec("c", { verify: [["own"]] }));
    world.merged("b").moved("b").done("c", ["c"]).merged("c");
    world.turn({ type: "landingHeld", reason: problem });
    const failure = { kind: "exit", exit_code: 1 } as const;
    world.report("c", { result: "gate_red", command: ["own"], failure, output: "" });
    expect(world.status("c")).to.equal("failed");
    expect(world.state.landing.held).to.equal(null);
  });

  it("stays held when one that only waits is cancelled", () => {
    const world = held();
    world.turn({ type: "cancel", ids: ids("b") });
    expect(world.state.landing.held).to.deep.equal(problem);
  });

  it("takes no notice of a problem of a landing that has ended", () => {
    given().when({ type: "landingHeld", reason: problem }).thenNothing();
  });

  it("begins no landing while the person's branch was reset, and goes on when that was undone", () => {
    const world = World.ready().submit(spec("a"));
    world.turn({ type: "landingHeld", reason: rewound });
    expect(world.done("a", ["a"]).step("a")).to.equal("waiting");
    world.turn({ type: "followed", result: { kind: "followed", to: oid("tip") } });
    expect(world.step("a")).to.equal("merging");
  });

  it("is tried again by the next supervisor", () => {
    const world = World.ready().submit(spec("a"));
    world.turn({ type: "landingHeld", reason: rewound });
    world.done("a", ["a"]).turn(started({}, 2));
    expect(world.state.landing.held).to.equal(null);
    expect(world.step("a")).to.equal("merging");
  });
});

describe("following", () => {
  const at = (to: string) =>
    ({ type: "followed", result: { kind: "followed", to: oid(to) } }) as const;
  const waits = (...paths: string[]) =>
    ({ type: "followed", result: { kind: "waiting", reason: "edited", paths } }) as const;

  it("notes where the person's branch is, once", () => {
    given()
      .when(at("x"))
      .thenEvents({ type: "TargetFollowed", to: oid("x") });
    given(at("x")).when(at("x")).thenNothing();
  });

  it("notes what it waits for when that changes, and that it waits no more", () => {
    given()
      .when(waits("a"))
      .thenEvents({ type: "FollowWaiting", reason: "edited", paths: ["a"] });
    given(waits("a")).when(waits("a")).thenNothing();
    given(waits("a")).when(waits("a", "b")).thenEvents({ type: "FollowWaiting" });
    const { world } = given(at("x"), waits("a"));
    world.decide(at("x"));
    expect(world.state.landing.followProblem).to.equal(null);
  });

  it("is remembered over a restart, wherever the person's branch has gone meanwhile", () => {
    const prepared = (to: string) =>
      ({ type: "branchPrepared", tip: oid("tip"), targetTip: oid(to) }) as const;
    const { world } = given(prepared("start"));
    expect(world.state.landing.followed).to.equal(oid("start"));
    world.decide(at("x"));
    world.decide(prepared("elsewhere"));
    expect(world.state.landing.followed).to.equal(oid("x"));
  });

  it("is asked for after each commit that landed, and only by the policy `auto`", () => {
    for (const follow of ["auto", "manual", "off"] as const) {
      const world = World.ready({ follow }).submit(spec("a")).lands("a", ["a"]);
      expect(world.effectsOf("follow")).to.have.length(follow === "auto" ? 1 : 0);
      expect(world.state.finals.get(id("a"))?.commit).to.equal(oid("c-a"));
    }
  });
});
