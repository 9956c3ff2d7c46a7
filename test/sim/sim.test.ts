import { expect } from "chai";
import { faultKinds, noFaults } from "./faults.ts";
import { runSeed } from "./run.ts";

const sliceMs = 6_000;
const seedsMin = 60;

describe("the simulator", () => {
  it("finds no broken invariant in a slice of seeds, in which every fault happens and work lands", async function () {
    this.timeout(60_000);
    const begun = performance.now();
    const first = Date.now() % 1_000_000;
    const faults = noFaults();
    let landed = 0;
    let seeds = 0;
    for (; seeds < seedsMin || performance.now() - begun < sliceMs; seeds += 1) {
      const { seed, failure, ...verdict } = await runSeed(first + seeds);
      expect(failure, `npm run sim -- --seed ${seed}`).to.equal(null);
      landed += verdict.landed;
      for (const kind of faultKinds) faults[kind] += verdict.faults[kind];
    }
    expect(landed).to.be.at.least(seeds);
    const never = faultKinds.filter((kind) => faults[kind] === 0);
    expect(never, `in ${seeds} seeds from ${first}`).to.deep.equal([]);
  });
});
