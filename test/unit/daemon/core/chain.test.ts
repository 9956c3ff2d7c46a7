import { expect } from "chai";
import { ChainPlay, names } from "./chainPlay.ts";
import { World, defaultSettings, id, ids, oid, spec, testCommand } from "../../../helpers/core.ts";
import type { Argv } from "../../../../ipc/taskSpec.ts";
import type { CoreSettings } from "../../../../daemon/core/coreSettings.ts";
import type { Outcome } from "../../../../ipc/workerMessages.ts";

const failure = { kind: "exit", exit_code: 1 } as const;
const green: Outcome = { result: "gate_green" };

function red(command: Argv = testCommand, output = "1 failing"): Outcome {
  return { result: "gate_red", command, failure, output };
}

/** They land together: all are merged onto each other, and the last is at the gate. */
function chained(texts: readonly string[], settings: Partial<CoreSettings> = {}): World {
  const world = World.ready({ slots: texts.length, verify: [testCommand], ...settings });
  world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "wait" } });
  world.submit(...texts.map((name) => spec(name)));
  for (const name of texts) world.done(name, [name]);
  world.turn({ type: "landingReleased", tip: null });
  for (const name of texts) world.merged(name);
  return world;
}

function steps(world: World, ...texts: string[]): string[] {
  return texts.map((name) => world.step(name));
}

describe("tasks that land together", () => {
  it("are merged onto each other and tested once, at the end, and land with one move, a commit each", () => {
    const world = chained(["a", "b", "c"]);
    expect(steps(world, "a", "b", "c")).to.deep.equal(["chained", "chained", "gate"]);
    expect(world.effectsOf("gate")).to.have.length(1);
    expect(world.effectsOf("gate")[0]).to.deep.include({ task: id("c"), commit: oid("c-c") });
    world.report("c", green);
    expect(world.effectsOf("move")).to.deep.equal([
      {
        kind: "move",
        task: "c",
        fence: world.landingFence("c"),
        candidate: {
          commit: oid("c-c"),
          tree: oid("tree-c"),
          onto: oid("tip"),
          ontoTree: oid("tree-tip"),
        },
      },
    ]);
    world.moved("c");
    for (const name of ["a", "b", "c"])
      expect(world.state.finals.get(id(name))).to.deep.include({ commit: oid(`c-${name}`) });
    expect(world.state.landing).to.deep.include({ tip: oid("c-c"), chain: [], current: null });
    expect(world.effectsOf("follow")).to.have.length(1);
  });

  it("each wait for the candidate in front before they are merged", () => {
    const world = World.ready({ slots: 2 }).submit(spec("a"), spec("b"));
    world.done("a", ["a"]).done("b", ["b"]);
    expect(steps(world, "a", "b")).to.deep.equal(["merging", "waiting"]);
    world.merged("a");
    expect(world.effectsOf("merge")[0]).to.deep.include({
      task: id("b"),
      onto: { commit: oid("c-a"), tree: oid("tree-a") },
    });
  });

  it("are no more than the limit", () => {
    const world = chained(["a", "b"], { chainMax: 2, slots: 3 });
    world.submit(spec("c")).done("c", ["c"]);
    expect(steps(world, "a", "b", "c")).to.deep.equal(["chained", "gate", "waiting"]);
    expect(world.report("b", green).moved("b").step("c")).to.equal("merging");
  });

  it("pass the checks of every one of them, each command once", () => {
    const own: Argv = ["own"];
    const world = World.ready({ slots: 3, verify: [testCommand] });
    world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "wait" } });
    world.submit(
      spec("a", { verify: [own] }),
      spec("b", { verify: [testCommand, own] }),
      spec("c"),
    );
    for (const name of ["a", "b", "c"]) world.done(name, [name]);
    world.turn({ type: "landingReleased", tip: null });
    for (const name of ["a", "b", "c"]) world.merged(name);
    expect(world.effectsOf("gate")[0]?.commands).to.deep.equal([testCommand, own]);
    // Of a part that is tested by itself, those of this part.
    world.report("c", red(own));
    expect(world.effectsOf("gate")[0]).to.deep.include({
      task: id("a"),
      commands: [testCommand, own],
    });
    expect(steps(world.report("a", green), "a", "b", "c")).to.deep.equal([
      "moving",
      "chained",
      "chained",
    ]);
  });
});

describe("a red chain", () => {
  for (const isBaseKnown of [true, false])
    for (let guilty = 1; guilty <= 10; guilty += 1)
      it(`of ten, number ${guilty} guilty, base ${isBaseKnown ? "green" : "not known"}: nine land, by at most six gate runs`, () => {
        const play = new ChainPlay(names(10), (tasks) => tasks.has(`t${guilty}`), { chainMax: 16 });
        if (isBaseKnown) play.world.state.landing.green.add(oid("tree-tip"));
        play.settle();
        expect(play.branch).to.deep.equal(names(10).filter((name) => name !== `t${guilty}`));
        expect(play.ended("failed")).to.deep.equal([`t${guilty}`]);
        expect(play.runs.length).to.be.at.most(6);
      });

  it("of two that are red only together lands the first and fails the second with the output", () => {
    const play = new ChainPlay(["t1", "t2"], (tasks) => tasks.size === 2).settle();
    expect(play.branch).to.deep.equal(["t1"]);
    expect(play.world.task("t2").life).to.deep.include({
      reason: { kind: "gate", command: testCommand, failure, output: "red: t1 t2" },
    });
  });

  it("gives the guilty one back by its retries, with a pause, and tests the same tree never again", () => {
    const world = World.ready({ slots: 2, verify: [testCommand] });
    world.state.landing.green.add(oid("tree-tip"));
    world
      .submit(spec("a", { retries: 1 }))
      .done("a", ["a"])
      .merged("a")
      .report("a", red());
    expect(world.status("a")).to.equal("queued");
    expect(world.why("a")).to.deep.include({ on: "time", backoff: true });
    world.pass(1_000).done("a", ["a"]).merged("a");
    expect(world.task("a").life).to.deep.include({
      reason: { kind: "gate", command: testCommand, failure, output: "1 failing" },
    });
    expect(world.events("CandidateMade").map(({ gate }) => gate)).to.deep.equal([true, null]);
  });

  it("gives the next attempt of the guilty one what the checks printed, and its earlier work", () => {
    const world = World.ready({ slots: 2, verify: [testCommand] });
    world.state.landing.green.add(oid("tree-tip"));
    const earlierOf = () => world.effectsOf("dispatch").map(({ earlier }) => earlier);
    world.submit(spec("a", { retries: 1 }), spec("b", { retries: 1 }));
    expect(earlierOf()).to.deep.equal([undefined, undefined]);
    world.fail("b").done("a", ["a"]).merged("a").report("a", red()).pass(1_000);
    const work = { commit: oid("work-a"), ref: "refs/orchd/attempts/x/1" };
    const printed = { command: testCommand, output: "1 failing" };
    expect(earlierOf()).to.deep.equal([{ work, red: printed }, undefined]);
    // Also one that failed for good, when a person has it retried.
    world.done("a", ["a"]).merged("a").done("b");
    expect(world.status("a")).to.equal("failed");
    world.turn({ type: "retry", request: "r" as never, ids: ids("a"), archived: new Map() });
    expect(earlierOf()).to.deep.equal([{ work, red: printed }]);
  });

  it("is tested again when a person has the guilty one retried, and after a run that took too long", () => {
    const world = World.ready({ verify: [testCommand] });
    world.state.landing.green.add(oid("tree-tip"));
    world.submit(spec("a")).done("a", ["a"]).merged("a").report("a", red());
    world.turn({ type: "retry", request: "r" as never, ids: ids("a"), archived: new Map() });
    expect(world.done("a", ["a"]).merged("a").step("a")).to.equal("gate");
    const slow = { ...red(), failure: { kind: "timeout", timeout_ms: 1 } } as Outcome;
    world.report("a", slow).submit(spec("b")).done("b", ["b"]);
    world.merged("b", {
      kind: "candidate",
      candidate: oid("c-b"),
      tree: oid("tree-a"),
      onto: oid("tip"),
      ontoTree: oid("tree-tip"),
    });
    expect([world.status("a"), world.step("b")]).to.deep.equal(["failed", "gate"]);
  });

  it("on a red base blames nobody, and then each is tried alone", () => {
    const play = new ChainPlay(names(4), (tasks) => !tasks.has("t3") || tasks.has("t4")).settle();
    expect(play.branch).to.deep.equal(["t3", "t1", "t2"]);
    expect(play.ended("failed")).to.deep.equal(["t4"]);
  });
});

describe("one in the middle of a chain", () => {
  it("that is cancelled takes only those behind it out, and the run at the end is cut short", () => {
    const world = chained(["a", "b", "c"]);
    const fence = world.fence("c");
    world.turn({ type: "cancel", ids: ids("b") });
    expect(world.effectsOf("cancelGate")).to.deep.equal([
      { kind: "cancelGate", task: "c", attempt: 1, fence },
    ]);
    expect(world.status("b")).to.equal("cancelled");
    expect(steps(world, "a", "c")).to.deep.equal(["chained", "merging"]);
    expect(world.effectsOf("merge")[0]).to.deep.include({
      task: id("c"),
      onto: { commit: oid("c-a"), tree: oid("tree-a") },
    });
  });

  it("that is cancelled leaves a run of those in front of it alone", () => {
    const world = chained(["a", "b", "c", "d"]).report("d", red());
    expect(world.step("a")).to.equal("gate");
    world.turn({ type: "cancel", ids: ids("c") });
    expect(steps(world, "a", "b", "d")).to.deep.equal(["gate", "chained", "waiting"]);
    expect(world.effects.filter(({ kind }) => kind === "gate" || kind === "cancelGate")).to.be
      .empty;
  });

  it("that the branch is being moved to can no longer be cancelled", () => {
    const world = chained(["a", "b"]).report("b", green);
    const [decision] = world.turn({ type: "cancel", ids: ids("a", "b") });
    expect(decision).to.deep.include({ answer: { of: "change", changed: [] } });
  });

  it("that conflicts with those in front waits until they have landed, and is not blamed before", () => {
    const world = World.ready({ slots: 3, verify: [testCommand] });
    world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "wait" } });
    world.submit(spec("a"), spec("b"), spec("c"));
    for (const name of ["a", "b", "c"]) world.done(name, [name]);
    world.turn({ type: "landingReleased", tip: null });
    const conflict = {
      kind: "conflict",
      paths: ["x"],
      ref: "refs/orchd/conflicts/b",
      ours: oid("tip"),
    } as const;
    world.merged("a").merged("b", { kind: "conflict_ahead" });
    expect(steps(world, "a", "b", "c")).to.deep.equal(["chained", "waiting", "merging"]);
    world.merged("c").report("c", green).moved("c");
    expect(steps(world, "a", "b", "c")).to.deep.equal(["succeeded", "merging", "succeeded"]);
    expect(world.task("b").setbacks.conflict).to.equal(0);
    world.merged("b", conflict);
    expect(world.task("b").setbacks.conflict).to.equal(1);
  });

  it("that changes nothing behind those in front is asked again when they have landed", () => {
    const world = World.ready({ slots: 2 });
    world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "wait" } });
    world.submit(spec("a"), spec("b")).done("a", ["a"]).done("b", ["b"]);
    world.turn({ type: "landingReleased", tip: null });
    world.merged("a").merged("b", { kind: "no_change" });
    expect(steps(world, "a", "b")).to.deep.equal(["moving", "waiting"]);
    world.moved("a").merged("b", { kind: "no_change" });
    expect(world.state.finals.get(id("b"))).to.deep.include({ status: "succeeded", commit: null });
  });

  it("whose merge onto a candidate that is gone comes late changes nothing", () => {
    const world = chained(["a"], { slots: 2 }).report("a", green);
    world.moved("a").submit(spec("b"), spec("c"));
    world.done("b", ["b"]).done("c", ["c"]).merged("b");
    expect(world.step("c")).to.equal("merging");
    world.turn({ type: "cancel", ids: ids("b") });
    const { seq } = world.state;
    const late = { kind: "conflict_ahead" } as const;
    const fence = world.landingFence("c");
    world.turn({ type: "merged", task: id("c"), fence, result: late, onto: oid("c-b") });
    expect([world.step("c"), world.state.seq]).to.deep.equal(["merging", seq]);
  });
});

describe("a chain that is taken apart", () => {
  it("is merged anew when the branch moved meanwhile, and what is known of trees stays known", () => {
    const world = chained(["a", "b"]).report("b", green).moved("b", { kind: "outdated" });
    expect(steps(world, "a", "b")).to.deep.equal(["merging", "waiting"]);
    world.merged("a").merged("b");
    expect(world.step("b")).to.equal("moving");
    expect(world.effectsOf("gate")).to.deep.equal([]);
  });

  it("is tested again under other commands, from its start", () => {
    const world = chained(["a", "b"]);
    const settings = { ...world.state.settings, verify: [["make"]] as const };
    const fence = world.fence("b");
    world.turn({ type: "settingsChanged", settings });
    expect(world.effectsOf("cancelGate")).to.have.length(1);
    expect(world.effectsOf("cancelGate")[0]).to.deep.include({ task: id("b"), fence });
    expect(steps(world, "a", "b")).to.deep.equal(["merging", "waiting"]);
  });

  it("is taken apart when each commit is to be tested from now on, unless the branch is being moved", () => {
    const each = { ...defaultSettings, slots: 3, verify: [testCommand], gate: "each" } as const;
    const play = new ChainPlay(names(3), () => false);
    while (play.world.step("t3") !== "gate") play.answer();
    const fence = play.world.fence("t3");
    play.world.turn({ type: "settingsChanged", settings: each });
    expect(play.world.effectsOf("cancelGate").map((effect) => effect.fence)).to.deep.equal([fence]);
    play.settle();
    expect(play.runs).to.deep.equal([["t1"], ["t1", "t2"], ["t1", "t2", "t3"]]);
    const moving = new ChainPlay(names(3), () => false);
    while (moving.world.step("t3") !== "moving") moving.answer();
    moving.world.turn({ type: "settingsChanged", settings: each });
    moving.settle();
    expect(moving.runs).to.deep.equal([["t1", "t2", "t3"]]);
  });

  it("is halved while its checks cannot even begin, until the one that is in the way is alone", () => {
    const world = chained(["a", "b", "c", "d"]);
    const lost: Outcome = { result: "lost", saved: null };
    world.report("d", lost);
    expect(steps(world, "a", "d")).to.deep.equal(["chained", "chained"]);
    world.pass(5_000);
    expect(steps(world, "a", "d")).to.deep.equal(["chained", "gate"]);
    world.report("d", lost).pass(10_000).merged("a").merged("b");
    expect(steps(world, "b", "c")).to.deep.equal(["gate", "waiting"]);
    expect([world.state.landing.window, world.task("a").setbacks.lost]).to.deep.equal([2, 0]);
    world.report("b", lost).pass(20_000).merged("a");
    expect(steps(world, "a", "b")).to.deep.equal(["gate", "waiting"]);
    world.report("a", green).moved("a");
    expect(world.state.landing.window).to.equal(null);
    world.merged("b").merged("c").merged("d");
    expect(world.step("d")).to.equal("gate");
  });
});
