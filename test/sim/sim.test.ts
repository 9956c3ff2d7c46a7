import { expect } from "chai";
import { faultKinds, noFaults } from "./faults.ts";
import { runSeed } from "./run.ts";

/** Always the same ones: a run of the tests says the same twice. `npm run sim` looks at new ones. */
const seedsOfSlice = 300;

describe("the simulator", () => {
  it("finds no broken invariant in a slice of seeds, in which every fault happens and work lands", async function () {
    this.timeout(60_000);
    const faults = noFaults();
    let landed = 0;
    for (let seed = 1; seed <= seedsOfSlice; seed += 1) {
      const { failure, ...verdict } = await runSeed(seed);
      expect(failure, `npm run sim -- --seed ${seed}`).to.equal(null);
      landed += verdict.landed;
      for (const kind of faultKinds) faults[kind] += verdict.faults[kind];
    }
    expect(landed).to.be.at.least(seedsOfSlice);
    const never = faultKinds.filter((kind) => faults[kind] === 0);
    expect(never, "faults that never happened").to.deep.equal([]);
  });
});
