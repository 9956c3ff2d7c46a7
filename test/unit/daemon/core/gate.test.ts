import { expect } from "chai";
import { greenTreesMax } from "../../../../daemon/core/landingState.ts";
import { lostMax } from "../../../../daemon/core/state.ts";
import {
  World,
  candidateOf,
  gate,
  id,
  ids,
  oid,
  spec,
  testCommand,
} from "../../../helpers/core.ts";
import { lookEffects } from "../../../../daemon/core/landingEffects.ts";
import { pending } from "../../../../daemon/core/react.ts";
import type { Argv } from "../../../../ipc/taskSpec.ts";
import type { Outcome } from "../../../../ipc/workerMessages.ts";

const own: Argv = ["own", "check"];
const green: Outcome = { result: "gate_green" };
const failure = { kind: "exit", exit_code: 1 } as const;

function red(command: Argv = testCommand): Outcome {
  return { result: "gate_red", command, failure, output: "1 failing" };
}

/** `a` is at its gate; the base is `tip` and nobody knows whether it is green. */
function atGate(verify: readonly Argv[] = []): World {
  return World.ready({ verify: [testCommand], slots: 3 })
    .submit(spec("a", { verify }))
    .done("a", ["a"])
    .merged("a");
}

describe("the gate", () => {
  it("runs the repository's commands and then the task's own, on exactly the candidate", () => {
    const world = atGate([own]);
    expect(world.effectsOf("gate")).to.deep.equal([
      {
        kind: "gate",
        task: "a",
        attempt: 1,
        fence: world.state.seq,
        commit: oid("c-a"),
        commands: [testCommand, own],
        timeoutMs: 60_000,
      },
    ]);
  });

  it("lets the branch move when it is green, and remembers the tree", () => {
    const world = atGate().report("a", green);
    expect(world.step("a")).to.equal("moving");
    expect([...world.state.landing.green]).to.deep.equal([oid("tree-a")]);
  });

  it("is left out for a tree that is known to be green, unless the task has checks of its own", () => {
    const world = atGate().report("a", green).moved("a");
    world.submit(spec("b"), spec("c", { verify: [own] }));
    world.done("b", ["b"]).merged("b", candidateOf("b", { tree: oid("tree-a") }));
    expect(world.step("b")).to.equal("moving");
    world
      .moved("b")
      .done("c", ["c"])
      .merged("c", candidateOf("c", { tree: oid("tree-a") }));
    expect(world.step("c")).to.equal("gate");
  });

  it("is left out when there is nothing to run", () => {
    const world = World.ready().submit(spec("a")).done("a", ["a"]).merged("a");
    expect(world.step("a")).to.equal("moving");
  });

  it("remembers no more than so many trees, the newest", () => {
    const world = World.ready({ verify: [testCommand] });
    for (let at = 0; at < greenTreesMax + 3; at += 1) {
      const name = `t${at}`;
      world.submit(spec(name)).done(name, ["x"]).merged(name).report(name, green).moved(name);
    }
    const { green: trees } = world.state.landing;
    expect(trees.size).to.equal(greenTreesMax);
    expect(trees.has(oid("tree-t2"))).to.equal(false);
    expect(trees.has(oid("tree-t3"))).to.equal(true);
  });

  it("blames a task whose own command is red", () => {
    const world = atGate([own]).report("a", red(own));
    expect(world.task("a").life).to.deep.include({
      reason: { kind: "gate", command: own, failure, output: "1 failing" },
    });
  });

  it("blames a task at once when its base is known to be green", () => {
    const world = atGate().report("a", green).moved("a").submit(spec("b")).done("b", ["b"]);
    world.merged("b", candidateOf("b", { onto: oid("c-a"), ontoTree: oid("tree-a") }));
    expect(world.report("b", red()).status("b")).to.equal("failed");
  });

  it("changes nothing on a result with another fence", () => {
    const world = atGate();
    const { seq } = world.state;
    world.report("a", green, world.fence("a") - 1);
    world.report("a", red(), world.landingFence("a"));
    expect(world.state.seq).to.equal(seq);
  });

  it("whose worker dies takes nothing from the attempts that may be lost, nor they from it", () => {
    const lost = { result: "lost", saved: null } as const;
    const world = World.ready({ verify: [testCommand] }).submit(
      spec("a", { retries: 1, verify: [own] }),
    );
    world.done("a", ["x"]).merged("a");
    for (let times = 0; times < lostMax; times += 1) world.report("a", lost).pass(60_000);
    world.report("a", red(own));
    // Its own command is red: it goes back, and runs again.
    for (let times = 0; times < lostMax; times += 1) {
      expect(world.pass(60_000).status("a"), `after ${times} lost attempts`).to.equal("running");
      world.report("a", lost);
    }
    expect(world.done("a", ["x"]).merged("a").step("a")).to.equal("gate");
    expect(world.report("a", lost).step("a")).to.equal("chained");
  });

  it("is tried again when it was ended for a stop, without limit", () => {
    const world = atGate();
    for (let times = 0; times < 5; times += 1)
      world.report("a", { result: "ended", saved: null }).merged("a");
    expect(world.step("a")).to.equal("gate");
    expect(world.task("a").setbacks.lost).to.equal(0);
  });

  it("is asked for again when its worker dials in, and nothing else is", () => {
    const world = atGate();
    const [before] = world.effectsOf("gate");
    world.ready(gate);
    expect(world.effects).to.deep.equal([before]);
    world.report("a", green).ready(gate);
    expect(world.effects).to.deep.equal([]);
  });
});

describe("a red candidate on a base that nobody has tested", () => {
  it("has its base tested first, with the repository's commands only", () => {
    const world = atGate([own]).report("a", red());
    expect(world.step("a")).to.equal("gate");
    expect(world.effectsOf("gate")[0]).to.deep.include({
      commit: oid("tip"),
      commands: [testCommand],
      fence: world.fence("a"),
    });
  });

  it("is to blame when the base is green, which is remembered", () => {
    const world = atGate().report("a", red()).report("a", green);
    expect(world.task("a").life).to.deep.include({
      reason: { kind: "gate", command: testCommand, failure, output: "1 failing" },
    });
    expect(world.state.landing.green.has(oid("tree-tip"))).to.equal(true);
    expect(world.state.landing.green.has(oid("tree-a"))).to.equal(false);
  });

  it("is not to blame when the base is red: it waits for another base, and that is said", () => {
    const world = atGate().report("a", red()).report("a", red());
    expect(world.step("a")).to.equal("waiting");
    expect(world.state.landing.held).to.deep.include({ kind: "base_red" });
    const look = { kind: "look", tip: world.state.landing.tip, rewound: false };
    expect(world.effects).to.deep.equal([look]);
    expect(pending(world.state)).to.deep.include(look);
    expect(world.pass(1_000_000).step("a")).to.equal("waiting");
  });
});

describe("a red base", () => {
  function redBase(): World {
    return atGate().report("a", red()).report("a", red());
  }

  it("lets others try, and the one that repairs it lets the first go on", () => {
    const world = redBase().submit(spec("fix")).done("fix", ["x"]);
    expect(world.step("fix")).to.equal("merging");
    world.merged("fix").report("fix", green).moved("fix");
    expect(world.state.landing).to.deep.include({ held: null, redBase: null });
    expect(world.step("a")).to.equal("merging");
  });

  it("defers another that is red on it as well", () => {
    const world = redBase().submit(spec("b")).done("b", ["x"]).merged("b");
    world.report("b", red()).report("b", red());
    expect([world.step("a"), world.step("b")]).to.deep.equal(["waiting", "waiting"]);
    expect(world.state.landing.current).to.equal(null);
  });

  it("is left behind when the person's branch brought another tip along", () => {
    for (const seen of [
      { type: "followed", result: { kind: "followed", to: oid("theirs") } },
      { type: "branchPrepared", tip: oid("theirs"), targetTip: oid("theirs") },
      { type: "landingReleased", tip: oid("theirs") },
      { type: "landingReleased", tip: null },
    ] as const) {
      const world = redBase();
      world.turn(seen);
      expect(world.step("a"), seen.type).to.equal("merging");
      expect(world.state.landing.held).to.equal(null);
    }
  });

  it("is left behind when a candidate was made onto another tip", () => {
    const world = redBase().submit(spec("b")).done("b", ["x"]);
    world.merged("b", candidateOf("b", { onto: oid("theirs"), ontoTree: oid("tree-theirs") }));
    expect(world.state.landing.held).to.equal(null);
    world.report("b", red()).report("b", green);
    expect(world.status("b")).to.equal("failed");
    expect(world.step("a")).to.equal("merging");
  });

  it("stays while the tip does, also over a restart", () => {
    const world = redBase();
    world.turn({ type: "branchPrepared", tip: oid("tip"), targetTip: oid("tip") });
    world.turn({ type: "supervisorStarted", epoch: 2, settings: world.state.settings });
    expect(world.state.landing.held).to.deep.include({ kind: "base_red" });
    expect(world.step("a")).to.equal("waiting");
  });

  it("is looked at again once that is over which held landing besides", () => {
    const rewound = { kind: "rewound", message: "main was reset" } as const;
    const problem = { kind: "problem", message: "index.lock is there" } as const;
    const besides = (): World => {
      const world = redBase();
      world.turn({ type: "landingHeld", reason: rewound });
      expect(lookEffects(world.state)).to.deep.equal([
        { kind: "look", tip: world.state.landing.tip, rewound: true },
      ]);
      return world;
    };
    const released = besides();
    released.turn({ type: "landingReleased", tip: null });
    expect(released.step("a")).to.equal("merging");
    const restarted = besides();
    restarted.turn({
      type: "supervisorStarted",
      epoch: 2,
      settings: restarted.state.settings,
    });
    expect(restarted.step("a")).to.equal("merging");
    const cancelled = redBase().submit(spec("b")).done("b", ["x"]);
    cancelled.turn({ type: "landingHeld", reason: problem });
    cancelled.turn({ type: "cancel", ids: ids("b") });
    expect(cancelled.step("a")).to.equal("merging");
  });

  it("means nothing any more when other commands decide", () => {
    const world = atGate().report("a", green).moved("a").submit(spec("b")).done("b", ["b"]);
    expect(world.state.landing.green.size).to.equal(1);
    const settings = { ...world.state.settings, verify: [["make", "check"]] as const };
    world.turn({ type: "settingsChanged", settings });
    expect(world.state.landing.green.size).to.equal(0);
    const elsewhere = atGate().report("a", green).moved("a");
    const moved = { ...elsewhere.state.settings, ground: "another PATH" };
    elsewhere.turn({ type: "settingsChanged", settings: moved });
    expect(elsewhere.state.landing.green.size).to.equal(0);
    const deferred = redBase();
    deferred.turn({ type: "settingsChanged", settings });
    expect(deferred.step("a")).to.equal("merging");
    const same = redBase();
    same.turn({ type: "settingsChanged", settings: { ...same.state.settings, slots: 9 } });
    expect(same.step("a")).to.equal("waiting");
    expect(id("a")).to.equal(same.task("a").id);
  });
});
