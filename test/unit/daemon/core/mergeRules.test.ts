import { expect } from "chai";
import type { MergeRuleChange, MergeRuleChanges } from "../../../../ipc/mergeRules.ts";
import {
  World,
  candidateOf,
  gate,
  readyCommand,
  retry,
  spec,
  testCommand,
} from "../../../helpers/core.ts";

const union: MergeRuleChange = {
  file: ".gitattributes",
  pattern: "*",
  words: "merge=union",
  effect: "both_sides",
  change: "added",
};
const changes: MergeRuleChanges = { rules: [union], total: 1 };
const outdated = { kind: "outdated" } as const;

function landing(): World {
  return World.ready().submit(spec("a")).done("a", [".gitattributes"]);
}

function told(world: World): number[] {
  return world.events("MergeRulesChanged").map(({ total }) => total);
}

describe("a candidate that changes how files merge", () => {
  it("is told once, however often it is made, and kept with its task", () => {
    const world = landing().merged("a", candidateOf("a", { mergeRules: changes }));
    expect(world.task("a").mergeRules).to.deep.equal(changes);
    world
      .moved("a", outdated)
      .merged("a", candidateOf("a", { mergeRules: changes }))
      .moved("a");
    expect(world.status("a")).to.equal("succeeded");
    expect(world.task("a").mergeRules).to.deep.equal(changes);
    expect(told(world)).to.deep.equal([1]);
  });

  it("is told again when it says something else, and when it says nothing any more", () => {
    const other = { rules: [{ ...union, pattern: "*.md" }], total: 1 };
    const world = landing().merged("a", candidateOf("a", { mergeRules: changes }));
    world.moved("a", outdated).merged("a", candidateOf("a", { mergeRules: other }));
    expect(world.task("a").mergeRules).to.deep.equal(other);
    world.moved("a", outdated).merged("a");
    expect(world.task("a").mergeRules).to.equal(undefined);
    expect(told(world)).to.deep.equal([1, 1, 0]);
  });

  it("changes nothing when it turns out to be on the branch already", () => {
    const world = landing().merged("a", candidateOf("a", { mergeRules: changes }));
    world.moved("a", outdated).merged("a", { kind: "no_change" });
    expect(world.status("a")).to.equal("succeeded");
    expect(world.task("a").mergeRules).to.equal(undefined);
  });

  it("is forgotten when the task is retried, and told anew", () => {
    const world = World.ready({ verify: [testCommand] });
    world.turn(readyCommand(gate));
    world.submit(spec("a")).done("a", [".gitattributes"]);
    const made = candidateOf("a", { mergeRules: changes });
    const failure = { kind: "exit", exit_code: 1 } as const;
    const red = { result: "gate_red", command: testCommand, failure, output: "" } as const;
    world.merged("a", made).report("a", red).report("a", { result: "gate_green" });
    expect(world.status("a")).to.equal("failed");
    world.turn(retry("r1", "a"));
    expect(world.task("a").mergeRules).to.equal(undefined);
    world.done("a", [".gitattributes"]).merged("a", made);
    expect(told(world)).to.deep.equal([1, 1]);
  });
});
