import { expect } from "chai";
import {
  World,
  candidateOf,
  defaultSettings,
  essence,
  id,
  ids,
  oid,
  spec,
  started,
  testCommand,
  throughJson,
} from "../../../helpers/core.ts";
import { evolve } from "../../../../daemon/core/evolve.ts";
import { emptyState } from "../../../../daemon/core/emptyState.ts";
import { nextGateTry } from "../../../../daemon/core/unavailable.ts";
import type { CoreSettings } from "../../../../daemon/core/coreSettings.ts";
import type { Outcome } from "../../../../ipc/workerMessages.ts";
import type { TaskSpec } from "../../../../ipc/taskSpec.ts";

const green: Outcome = { result: "gate_green" };
const lost: Outcome = { result: "lost", saved: null };
const setup: Outcome = {
  result: "failed",
  failure: { kind: "setup", message: "npm ci: exit code 1\nENOTFOUND" },
  saved: null,
};
const failure = { kind: "exit", exit_code: 1 } as const;
const red: Outcome = { result: "gate_red", command: testCommand, failure, output: "1 failing" };

/** These land together, and the last is at the gate. */
function atGate(specs: readonly TaskSpec[], settings: Partial<CoreSettings> = {}): World {
  const world = World.ready({ verify: [testCommand], slots: 4, ...settings });
  world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "wait" } });
  world.submit(...specs);
  for (const { id: name } of specs) world.done(name, [name]);
  world.turn({ type: "landingReleased", tip: null });
  for (const { id: name } of specs) world.merged(name);
  return world;
}

function steps(world: World, ...names: string[]): string[] {
  return names.map((name) => world.step(name));
}

describe("a gate that cannot be run", () => {
  it("holds landing and is tried again after pauses that grow, and no task ever fails by it", () => {
    const world = atGate([spec("a")]);
    const candidate = world.effectsOf("gate")[0]?.commit;
    const pauses = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((s) => s * 1_000);
    for (const pauseMs of pauses) {
      world.report("a", lost);
      expect(nextGateTry(world.state)).to.equal(world.at + pauseMs);
      expect(world.state.landing.held?.message).to.match(/the worker that ran the checks died/);
      expect(world.pass(pauseMs - 1).step("a")).to.equal("chained");
      world.pass(1);
      expect(world.effectsOf("gate")[0]?.commit).to.equal(candidate);
    }
    world.report("a", green);
    expect([world.step("a"), world.state.landing.held]).to.deep.equal(["moving", null]);
    expect(world.task("a").setbacks).to.deep.equal({ failure: 0, lost: 0, conflict: 0 });
    expect(nextGateTry(world.state)).to.equal(null);
  });

  it("begins with short pauses again when it could be run meanwhile", () => {
    const world = atGate([spec("a", { retries: 1 })]);
    world.report("a", lost).pass(5_000).report("a", lost).pass(10_000);
    world.report("a", red);
    expect(world.state.landing.held).to.equal(null);
    world.report("a", lost);
    expect(world.state.landing.held).to.deep.include({ tries: 1 });
    world.pass(5_000);
    expect(world.step("a"), "what is known of the candidate stays known").to.equal("gate");
    expect(world.effectsOf("gate")[0]).to.deep.include({ commit: oid("tip") });
  });

  it("is tried at once by a person, by another supervisor and under other commands", () => {
    const other = { ...defaultSettings, slots: 4, verify: [["make"]] as const };
    expect(
      atGate([spec("a")])
        .report("a", lost)
        .pass(1)
        .effectsOf("gate"),
      "without that it waits",
    ).to.deep.equal([]);
    const tried = (command: Parameters<World["turn"]>[0]) => {
      const world = atGate([spec("a")]).report("a", lost);
      world.turn(command);
      return world.step("a");
    };
    expect(tried({ type: "landingReleased", tip: null })).to.equal("gate");
    expect(tried(started({ verify: [testCommand] }, 2))).to.equal("gate");
    expect(tried({ type: "settingsChanged", settings: other })).to.equal("merging");
  });

  it("is tried at once when the clock was set back, or it would be held for years", () => {
    const world = atGate([spec("a")]).report("a", lost);
    expect(world.pass(-1_000_000).step("a")).to.equal("gate");
  });

  it("lets nobody land meanwhile, and holds nothing when nobody is left to land", () => {
    const world = atGate([spec("a")]).report("a", lost);
    world.submit(spec("b")).done("b", ["b"]);
    expect(world.step("b")).to.equal("waiting");
    world.turn({ type: "cancel", ids: ids("a") }, { type: "cancel", ids: ids("b") });
    expect(world.state.landing.held).to.equal(null);
    const alone = atGate([spec("a")])
      .report("a", setup)
      .report("a", setup);
    expect([alone.step("a"), alone.state.landing.held?.kind]).to.deep.equal([
      "waiting",
      "gate_unavailable",
    ]);
    alone.turn({ type: "cancel", ids: ids("a") });
    expect(alone.state.landing.held).to.equal(null);
  });

  it("is told by the journal alone", () => {
    const world = atGate([spec("a"), spec("b")]);
    world.report("b", setup).report("b", green).pass(5_000).report("b", lost);
    const replayed = emptyState();
    for (const recorded of throughJson(world.journal)) evolve(replayed, recorded);
    expect(essence(replayed)).to.deep.equal(essence(world.state));
  });
});

describe("a setup that fails at the gate", () => {
  it("is tried on the base of the chain, whose checks are not run for that", () => {
    const world = atGate([spec("a"), spec("b")]).report("b", setup);
    expect(world.effectsOf("gate")[0]).to.deep.include({
      task: id("b"),
      commit: oid("tip"),
      commands: [],
      fence: world.fence("b"),
    });
  });

  it("is nobody's fault when it fails there, too: all wait, and begin anew on the newest tip", () => {
    const world = atGate([spec("a"), spec("b")]);
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000]) {
      world.report("b", setup).report("b", setup);
      expect(steps(world, "a", "b")).to.deep.equal(["waiting", "waiting"]);
      expect(world.state.landing.held?.message).to.match(
        /on the branch itself: npm ci: exit code 1/,
      );
      expect(world.state.landing.held?.message).not.to.contain("ENOTFOUND");
      world.pass(pauseMs - 1);
      expect(world.step("a")).to.equal("waiting");
      world.pass(1).merged("a").merged("b");
    }
    world.report("b", green).moved("b");
    expect([world.status("a"), world.status("b")]).to.deep.equal(["succeeded", "succeeded"]);
  });

  it("is the task's fault when it goes through on the base and fails with the task once more", () => {
    const world = atGate([spec("a", { retries: 1 })])
      .report("a", setup)
      .report("a", green);
    expect(world.state.landing.held?.message).to.match(/with what a brings, and not without/);
    expect(world.state.landing.green.size, "its checks were not run").to.equal(0);
    expect(world.pass(4_999).step("a")).to.equal("chained");
    world.pass(1).report("a", setup);
    expect(world.state.landing.held).to.equal(null);
    expect(world.status("a")).to.equal("queued");
    expect(world.task("a").sentBack).to.deep.equal({
      command: ["workspace.setup"],
      failure: { kind: "setup", message: "npm ci: exit code 1" },
      output: "ENOTFOUND",
    });
  });

  it("is nobody's fault when it goes through the second time, or its worker dies then", () => {
    const world = atGate([spec("a")])
      .report("a", setup)
      .report("a", green)
      .pass(5_000);
    world.report("a", lost).pass(10_000);
    expect(world.report("a", green).step("a")).to.equal("moving");
    const probed = atGate([spec("a")])
      .report("a", setup)
      .report("a", lost)
      .pass(5_000);
    probed.report("a", setup);
    expect(probed.status("a"), "nothing is known of the base").to.equal("landing");
    expect(probed.effectsOf("gate")[0]).to.deep.include({ commands: [] });
  });

  it("is the fault of the one of a chain behind whom it goes through, whatever the base was before", () => {
    const world = atGate([spec("a"), spec("b"), spec("c")]);
    const fails = (name: string) =>
      world.report(name, setup).report(name, green).pass(5_000).report(name, setup);
    fails("c");
    expect(steps(world, "a", "b", "c")).to.deep.equal(["gate", "chained", "chained"]);
    world.report("a", green).moved("a");
    expect(steps(world, "b", "c")).to.deep.equal(["gate", "chained"]);
    fails("b");
    expect([world.status("a"), world.status("b"), world.step("c")]).to.deep.equal([
      "succeeded",
      "failed",
      "merging",
    ]);
    world.merged("c", candidateOf("c", { onto: oid("c-a"), ontoTree: oid("tree-a") }));
    expect(world.report("c", green).moved("c").status("c")).to.equal("succeeded");
  });

  it("is nobody's fault yet behind those that landed untested, as nobody has checks for them", () => {
    const world = atGate([spec("a"), spec("b", { verify: [testCommand] })], { verify: [] });
    world.report("b", setup).report("b", green).pass(5_000).report("b", setup);
    expect(world.step("a")).to.equal("moving");
    world.moved("a");
    expect(world.step("b")).to.equal("merging");
    world.merged("b", candidateOf("b", { onto: oid("c-a"), ontoTree: oid("tree-a") }));
    world.report("b", setup).report("b", setup);
    expect([world.step("b"), world.state.landing.held?.kind]).to.deep.equal([
      "waiting",
      "gate_unavailable",
    ]);
  });

  it("on the base of a red task blames nobody", () => {
    const world = atGate([spec("a")])
      .report("a", red)
      .report("a", setup);
    expect([world.step("a"), world.state.landing.held?.kind]).to.deep.equal([
      "waiting",
      "gate_unavailable",
    ]);
    world.pass(5_000).merged("a").report("a", green);
    expect(world.status("a")).to.equal("failed");
  });
});
