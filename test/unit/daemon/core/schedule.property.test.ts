import { expect } from "chai";
import { startLanding } from "../../../../daemon/core/landing.ts";
import fc from "fast-check";
import { acts, crowdedActs } from "./acts.ts";
import { LinearSchedule } from "./linear.ts";
import { placesOf } from "./oracle.ts";
import { Story } from "./story.ts";
import { World } from "../../../helpers/core.ts";
import type { Act } from "./story.ts";
import type { Decision, Command } from "../../../../daemon/core/commands.ts";
import type { State } from "../../../../daemon/core/state.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);
const numRuns = Number(process.env["ORCHD_TEST_RUNS"] ?? 200);

describe(`what starts, against looking at everybody (seed ${seed}, ${numRuns} stories)`, function () {
  this.timeout(120_000);

  it("is the same, in the same order, and passes the same waiters", () => {
    expect(compare(acts).starts).to.be.above(numRuns * 2);
  });

  it("is the same with a crowd that waits", () => {
    expect(compare(crowdedActs).passed).to.be.above(numRuns / 2);
  });
});

function compare(plans: fc.Arbitrary<Act[]>): { readonly starts: number; readonly passed: number } {
  let starts = 0;
  let passed = 0;
  const property = fc.property(plans, (plan) => {
    const story = new Story();
    compareTurns(story.world, (overtook) => {
      starts += 1;
      passed += overtook.length;
    });
    for (const act of plan) story.play(ordinary(act));
  });
  fc.assert(property, { seed, numRuns });
  return { starts, passed };
}

/** Instant tasks share places with ordinary ones, and a clock set back changes who is patient. */
function ordinary(act: Act): Act {
  if (act.do === "lock") return { ...act, wait: true };
  if (act.do === "pass") return { ...act, ms: Math.abs(act.ms) };
  if (act.do !== "submit") return act;
  const tasks = act.tasks.map((task) => ({ ...task, work: "run" as const, afterAny: [] }));
  return { ...act, tasks };
}

/** Before each turn of this world the slow rules say what will start. */
function compareTurns(world: World, note: (overtook: readonly string[]) => void): void {
  let linear = new LinearSchedule();
  let known: State = world.state;
  world.turn = (...commands: Command[]): Decision[] => {
    const decisions = commands.map((command) => world.decide(command));
    const { state, at } = world;
    // What a landing that ends gives back can be taken in the same turn.
    startLanding(state, at, world.apply);
    if (state !== known) linear = new LinearSchedule();
    known = state;
    linear.forget(state);
    const expected = linear.round(state, at, placesOf(state).idle);
    const from = world.journal.length;
    World.prototype.turn.call(world);
    const started = world.journal.slice(from).flatMap(({ event }) => {
      if (event.type !== "AttemptStarted" && event.type !== "HoldGranted") return [];
      note(event.overtook);
      const who = event.type === "HoldGranted" ? event.hold : event.task;
      return [{ who, overtook: event.overtook.toSorted() }];
    });
    expect(started).to.deep.equal(expected);
    return decisions;
  };
}
