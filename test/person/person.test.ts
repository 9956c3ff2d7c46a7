import { expect } from "chai";
import { tellStory } from "./story.ts";

/** The first of the seeds that `.ci/run` tells by `npm run person`, and none that a person's commands and orchd's steps did not meet in. */
const first = 4_000;
const seeds = 2;
const landings = 7;

describe("a person who works while tasks land", function () {
  this.timeout(60_000);
  for (let seed = first; seed < first + seeds; seed += 1)
    it(`loses nothing, gets nothing reverted and nothing back, seed ${seed}`, async () => {
      const story = await tellStory(seed, landings);
      expect(story.problems, story.lines.join("\n")).to.deep.equal([]);
      expect(story.landed, "landed").to.equal(landings);
      expect(story.moves, "moves").to.be.greaterThan(0);
    });
});
