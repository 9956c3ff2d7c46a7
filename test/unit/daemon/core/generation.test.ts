import { expect } from "chai";
import {
  World,
  candidateOf,
  defaultSettings,
  gate,
  generatedRule,
  ids,
  meeting,
  oid,
  readyCommand,
  saved,
  spec,
  started,
  testCommand,
} from "../../../helpers/core.ts";
import { conflictsMax } from "../../../../daemon/core/state.ts";
import { pending } from "../../../../daemon/core/react.ts";
import { restore, stateRow } from "../../../../daemon/core/snapshot.ts";
import type { CoreSettings } from "../../../../daemon/core/coreSettings.ts";
import type { Outcome } from "../../../../ipc/workerMessages.ts";

const generated = [generatedRule];
const failure = { kind: "exit", exit_code: 1 } as const;
const red: Outcome = { result: "gate_red", command: ["make", "lock"], failure, output: "no net" };

function made(name: string, others: readonly string[] = []): Outcome {
  return { result: "generated", tree: oid(`made-${name}`), others };
}

function ready(settings: Partial<CoreSettings> = {}): World {
  const world = World.ready({ slots: 3, verify: [testCommand], generated, ...settings });
  world.turn(readyCommand(gate));
  return world;
}

/** The task's merge came to a tree in which its file has to be made. */
function met(world: World, name = "a"): World {
  return world.submit(spec(name)).done(name, ["lock.json", name]).merged(name, meeting(name));
}

describe("a generated file that both sides changed", () => {
  it("is made anew on the merged tree, and the task is merged again with what came out", () => {
    const world = ready().submit(spec("a")).done("a", ["lock.json"]);
    expect(world.effectsOf("merge")[0]?.generated).to.deep.equal({ globs: ["lock.json"] });
    world.merged("a", meeting("a"));
    expect(world.effectsOf("generate")).to.deep.equal([
      {
        kind: "generate",
        task: "a",
        attempt: 1,
        fence: world.fence("a"),
        commit: oid("m-a"),
        rules: generated,
      },
    ]);
    expect(world.step("a")).to.equal("generating");
    world.report("a", made("a", ["log.txt"]));
    expect(world.effectsOf("merge")[0]?.generated).to.deep.equal({
      globs: ["lock.json"],
      regenerated: { from: oid("met-a"), tree: oid("made-a") },
    });
    expect(world.events("Regenerated")[0]?.others).to.deep.equal(["log.txt"]);
    world.merged("a", candidateOf("a", { tree: oid("made-a") }));
    expect(world.step("a")).to.equal("gate");
  });

  it("is none of a task that touched nothing of the kind, and of none when nothing is declared", () => {
    const world = ready().submit(spec("a")).done("a", ["src/lock.json"]);
    expect(world.effectsOf("merge")[0]).not.to.have.property("generated");
    const plain = ready({ generated: [] }).submit(spec("a")).done("a", ["lock.json"]);
    expect(plain.effectsOf("merge")[0]).not.to.have.property("generated");
    const many = { result: "done", saved: saved(["x"], { touched_total: 20_000 }) } as const;
    const unknown = ready().submit(spec("a")).report("a", many);
    expect(unknown.effectsOf("merge")[0]).to.have.property("generated");
  });

  it("is never made twice of the same tree, unless what came out is gone", () => {
    const world = met(ready()).report("a", made("a"));
    world
      .merged("a", candidateOf("a", { tree: oid("made-a") }))
      .report("a", { result: "ended", saved: null });
    expect(world.step("a")).to.equal("merging");
    world.merged("a", meeting("a"));
    expect(world.effectsOf("merge")[0]?.generated?.regenerated?.tree).to.equal(oid("made-a"));
    expect(world.events("GenerationStarted")).to.have.length(1);
    // Asked for with it, and there is no such tree any more.
    world.merged("a", meeting("a"));
    expect(world.step("a")).to.equal("generating");
  });

  it("is kept known over a restart and in a snapshot, and forgotten when other commands make it", () => {
    const world = met(ready()).report("a", made("a"));
    const row = JSON.parse(JSON.stringify(stateRow(world.state))) as ReturnType<typeof stateRow>;
    const read = restore(row, [...world.state.tasks.values()], [], world.at);
    expect([...read.landing.generated]).to.deep.equal([...world.state.landing.generated]);
    expect(read.landing.generated.size).to.equal(1);
    world.turn(started({ slots: 3, verify: [testCommand], generated }, 2));
    expect(world.state.landing.generated.size).to.equal(1);
    const other = [{ ...generatedRule, run: ["make", "other"] as const }];
    world.turn(started({ slots: 3, verify: [testCommand], generated: other }, 3));
    expect(world.state.landing.generated.size).to.equal(0);
  });

  it("is asked for again when the supervisor or the gate's worker comes back, with the same fence", () => {
    const world = met(ready());
    const fence = world.fence("a");
    world.ready(gate);
    expect(world.effectsOf("generate").map((effect) => effect.fence)).to.deep.equal([fence]);
    world.turn(started({ slots: 3, verify: [testCommand], generated }, 2));
    const again = pending(world.state).filter(({ kind }) => kind === "generate");
    expect(again).to.have.length(1);
    expect(again[0]).to.include({ fence });
  });

  it("that cannot be made counts as a conflict: the task runs again, and fails at last with the output", () => {
    const world = met(ready()).report("a", red);
    for (let times = 1; times <= conflictsMax; times += 1) {
      expect(world.task("a").setbacks.conflict).to.equal(times);
      world
        .done("a", ["lock.json"])
        .merged("a", meeting(`a${times}`))
        .report("a", red);
    }
    expect(world.task("a").life).to.deep.include({
      status: "failed",
      reason: { kind: "generation", command: ["make", "lock"], failure, output: "no net" },
    });
  });

  it("that cannot be made behind others of a chain is not held against the task before they landed", () => {
    const world = ready().submit(spec("a"), spec("b"));
    world.turn({ type: "landingHeld", reason: { kind: "rewound", message: "wait" } });
    world.done("a", ["lock.json", "a"]).done("b", ["lock.json", "b"]);
    world.turn({ type: "landingReleased", tip: null });
    world.merged("a").merged("b", meeting("b"));
    expect(world.effectsOf("generate")[0]?.task).to.equal("b");
    world.report("b", red);
    expect([world.step("a"), world.step("b")]).to.deep.equal(["gate", "waiting"]);
    world.report("a", { result: "gate_green" }).moved("a");
    expect(world.step("b")).to.equal("merging");
    expect(world.task("b").setbacks.conflict).to.equal(0);
  });

  it("is left alone when the task is cancelled, or other commands would make it", () => {
    for (const how of ["cancel", "commands", "ground"] as const) {
      const world = met(ready());
      const fence = world.fence("a");
      const settings = { ...defaultSettings, slots: 3, verify: [testCommand] };
      if (how === "cancel") world.turn({ type: "cancel", ids: ids("a") });
      else if (how === "commands") world.turn({ type: "settingsChanged", settings });
      else
        world.turn({
          type: "settingsChanged",
          settings: { ...settings, generated, ground: "another PATH" },
        });
      expect(
        world.effectsOf("cancelGate").map((effect) => effect.fence),
        how,
      ).to.deep.equal([fence]);
      expect(world.status("a"), how).to.equal(how === "cancel" ? "cancelled" : "landing");
      const { seq } = world.state;
      world.report("a", made("a"), fence);
      expect(world.state.seq, how).to.equal(seq);
    }
  });

  it("is merged again when its rule went while it was merged", () => {
    const world = ready().submit(spec("a")).done("a", ["lock.json"]);
    world.turn({ type: "settingsChanged", settings: { ...defaultSettings, slots: 3 } });
    world.merged("a", meeting("a"));
    expect(world.step("a")).to.equal("merging");
    expect(world.effectsOf("merge")[0]).not.to.have.property("generated");
    expect(world.merged("a").step("a")).to.equal("moving");
  });

  it("is made again after a pause when its worker died, however often, and the task does not fail", () => {
    const world = met(ready());
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000]) {
      world.report("a", { result: "lost", saved: null }).pass(pauseMs - 1);
      expect(world.step("a")).to.equal("waiting");
      expect(world.state.landing.held).to.deep.include({ kind: "gate_unavailable" });
      world.pass(1).merged("a", meeting("a"));
    }
    world.report("a", made("a"));
    expect(world.state.landing.held).to.equal(null);
    expect(world.task("a").setbacks.lost).to.equal(0);
  });
});

describe("a generated file belongs to nobody", () => {
  const claims = ["src/**"];

  it("so changing it is not outside of the claims", () => {
    const world = ready({ outsideClaims: "fail" }).submit(
      spec("a", { claims }),
      spec("b", { claims: ["b"] }),
    );
    world.done("a", ["src/x", "lock.json"]).done("b", ["c", "lock.json"]);
    expect([world.status("a"), world.status("b")]).to.deep.equal(["landing", "failed"]);
  });

  it("so nobody who runs and claims it has to land first, and a next attempt does not claim it", () => {
    const world = ready().submit(
      spec("a", { claims, retries: 1 }),
      spec("b", { claims: ["lock.json"] }),
    );
    world
      .report("a", { result: "failed", failure, saved: saved(["src/x", "lock.json"]) })
      .pass(1_000);
    expect([world.status("a"), world.status("b")]).to.deep.equal(["running", "running"]);
    expect(world.done("a", ["src/x", "lock.json"]).step("a")).to.equal("merging");
    expect(world.task("a").touched).to.deep.equal(["src/x"]);
  });

  it("in whatever letters it is written, where git ignores that", () => {
    const upper = [{ ...generatedRule, paths: ["Cargo.lock"] }];
    const world = ready({ outsideClaims: "fail", generated: upper }).submit(spec("a", { claims }));
    expect(world.done("a", ["src/x", "cargo.lock"]).status("a")).to.equal("landing");
  });
});
