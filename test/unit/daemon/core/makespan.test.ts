import { expect } from "chai";
import { lowerBound, makeWorkload, makespan, makespanInWaves } from "../../../helpers/workload.ts";

const first = Number(process.env["ORCHD_TEST_SEED"] ?? 1);
/** `.ci/run` looks at a hundred. */
const runs = Number(process.env["ORCHD_TEST_RUNS"] ?? 20);
const seeds = Array.from({ length: runs }, (_, at) => first + at);
const tasks = 1_000;
const slots = 8;

describe(`random work of ${tasks} tasks on ${slots} places (seeds ${first} to ${seeds.at(-1)})`, function () {
  this.timeout(120_000);

  it("takes little longer than it must, and never longer than in waves", () => {
    const ratios = seeds.map((seed) => {
      const work = makeWorkload(seed, tasks);
      const ms = makespan(work, slots);
      expect(ms, `seed ${seed}: against waves`).to.be.at.most(makespanInWaves(work, slots));
      const ratio = ms / lowerBound(work, slots);
      expect(ratio, `seed ${seed}: against the lower bound`).to.be.within(1, 1.25);
      return ratio;
    });
    const median = ratios.toSorted((a, b) => a - b)[seeds.length >> 1];
    expect(median, "in the median").to.be.below(1.1);
  });
});
