import { expect } from "chai";
import fc from "fast-check";
import { ChainPlay, names } from "./chainPlay.ts";
import type { Red } from "./chainPlay.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);
const numRuns = Number(process.env["ORCHD_TEST_RUNS"] ?? 200);

/** Red: one that is red by itself, or two that are red together. */
const troubles = fc.record({
  count: fc.integer({ min: 1, max: 18 }),
  guilty: fc.array(fc.nat({ max: 17 }), { maxLength: 4 }),
  pairs: fc.array(fc.tuple(fc.nat({ max: 17 }), fc.nat({ max: 17 })), { maxLength: 3 }),
  chainMax: fc.constantFrom(1, 2, 3, 8, 16, 64),
  baseIsKnown: fc.boolean(),
});

function redOf({ guilty, pairs }: { guilty: number[]; pairs: [number, number][] }): Red {
  return (tasks) => {
    const has = (at: number) => tasks.has(`t${at + 1}`);
    return guilty.some(has) || pairs.some(([a, b]) => a !== b && has(a) && has(b));
  };
}

/** One after the other, each tested by itself. */
function serially(tasks: readonly string[], red: Red): string[] {
  const landed: string[] = [];
  for (const name of tasks) if (!red(new Set([...landed, name]))) landed.push(name);
  return landed;
}

describe(`chains (seed ${seed}, ${numRuns} sets of troublemakers)`, function () {
  this.timeout(120_000);

  it("land what would land one by one, in that order, with a red tip never and few gate runs", () => {
    fc.assert(
      fc.property(troubles, (trouble) => {
        const red = redOf(trouble);
        const tasks = names(trouble.count);
        const { chainMax } = trouble;
        const play = new ChainPlay(tasks, red, { chainMax });
        if (trouble.baseIsKnown)
          play.world.state.landing.green.add("tree-tip".padEnd(40, ".") as never);
        play.settle();
        const expected = serially(tasks, red);
        expect(play.branch).to.deep.equal(expected);
        expect(play.ended("succeeded")).to.have.members(expected);
        const guilty = tasks.filter((name) => !expected.includes(name));
        expect(play.ended("failed")).to.have.members(guilty);
        const length = Math.min(chainMax, tasks.length);
        const search = Math.ceil(Math.log2(length + 1)) + 1;
        const chains = Math.ceil(tasks.length / length);
        expect(play.runs.length).to.be.at.most(chains + guilty.length * search);
        const trees = play.runs.map((run) => run.join());
        expect(new Set(trees).size, `tested twice: ${trees.join(" | ")}`).to.equal(trees.length);
      }),
      { seed, numRuns },
    );
  });
});
