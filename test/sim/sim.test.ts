import { bugSeedsMax, controlBugs, foundBugs, plantedBugs } from "./bugs.ts";
import { campaign, replayCommand, representativeSeeds, vacuous } from "./campaign.ts";
import { expect } from "chai";
import { faultKinds } from "./faults.ts";
import { hash } from "node:crypto";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { regressions } from "./regressions.ts";
import { runSeed } from "./run.ts";
import { seedsUntilCaught } from "./mutate.ts";

/** Always the same ones: a run of the tests says the same twice. `npm run sim` looks at new ones. */
const seedsOfSlice = representativeSeeds;
const longMs = 60_000;

describe("the simulator", () => {
  it("finds no broken invariant in a slice of seeds, in which every fault happens and work lands", async function () {
    this.timeout(longMs);
    const result = await campaign(1, (seeds) => seeds < seedsOfSlice);
    const failed = result.failed.map(
      (verdict) => `${replayCommand(verdict)}: ${verdict.failure?.message}`,
    );
    expect(failed).to.deep.equal([]);
    expect(vacuous(result)).to.deep.equal([]);
    expect(Object.keys(result.faults)).to.have.length.at.least(14);
    expect(result.eventsLeast).to.be.at.least(200);
  });

  it("finds nothing any more in the seeds that once found something", async function () {
    this.timeout(longMs);
    const known = regressions();
    expect(known).to.not.be.empty;
    for (const { seed, aim = null, why } of known) {
      const { failure } = await runSeed(seed, { aim });
      expect(failure, `${replayCommand({ seed, aim })} (${why})`).to.equal(null);
    }
  });

  it("lets a supervisor die at a call that was named, however rare it is", async () => {
    const aim = "locks opened";
    const deaths = async (more: { aim?: string }) => {
      const { deathsAt, failure } = await runSeed(3, more);
      expect(failure).to.equal(null);
      return deathsAt.get(aim) ?? 0;
    };
    expect(await deaths({ aim })).to.equal((await deaths({})) + 1);
  });

  it("does the same twice with the same seed, and something else with another", async () => {
    const traces = [];
    for (const seed of [7, 7, 8]) traces.push((await runSeed(seed, { trace: true })).trace);
    const [one, again, other] = traces.map((trace) => hash("sha256", JSON.stringify(trace)));
    expect(one).to.equal(again);
    expect(one).to.not.equal(other);
  });

  it("counts a run as vacuous in which a fault never fired or too little landed", async () => {
    const result = await campaign(1, (seeds) => seeds < 1);
    const never = { ...result, seeds: seedsOfSlice };
    expect(vacuous(never)).to.include(`only ${result.landed} landings in ${seedsOfSlice} seeds`);
    expect(vacuous(never).length).to.be.within(2, faultKinds.length + 1);
  });
});

describe("a bug that is planted", () => {
  const broken = new Set<string>();

  it("can still be planted, whichever it is", () => {
    for (const { name, edits } of [...plantedBugs, ...controlBugs, ...foundBugs])
      for (const { file, find } of edits) {
        const source = readFileSync(join(import.meta.dirname, "../..", file), "utf8");
        expect(source.split(find), `${name}: "${find}" in ${file}`).to.have.length(2);
      }
  });

  for (const bug of [...plantedBugs, ...controlBugs])
    it(`is found: ${bug.name}`, async function () {
      this.timeout(longMs);
      const caught = await seedsUntilCaught(bug, bug.seed ?? 1, bugSeedsMax);
      if (caught?.verdict.failure == null) throw new Error(`not within ${bugSeedsMax} seeds`);
      broken.add(caught.verdict.failure.rule);
      const { failure } = await runSeed(caught.verdict.seed);
      expect(failure, "without the bug").to.equal(null);
    });

  it("breaks, all of them together, every rule there is", () => {
    const rules = Array.from({ length: 12 }, (_, at) => `S${at + 1}`);
    expect([...broken]).to.include.members([...rules, "L1", "L2"]);
  });
});
