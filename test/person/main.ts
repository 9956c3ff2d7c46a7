import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { tellStory } from "./story.ts";

/**
 * A person works in a repository while tasks land in it, with real git:
 *
 *     npm run person -- [--seeds N] [--first N] [--lines N]
 *
 * The last line is JSON; the exit code is 0 if nothing of theirs was lost, reverted or brought back.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    first: { type: "string", default: `${randomInt(2 ** 40)}` },
    lines: { type: "string", default: "60" },
  },
});

const first = Number(values.first);
const began = performance.now();
const sum = { landed: 0, followed: 0, moves: 0, movesHalfDone: 0, rewinds: 0, reapplied: 0 };
const broken: number[] = [];
for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
  const story = await tellStory(seed);
  for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += story[key];
  if (story.problems.length === 0) continue;
  broken.push(seed);
  console.log(story.lines.slice(-Number(values.lines)).join("\n"));
  console.log(`BROKEN seed ${seed}\n  ${story.problems.join("\n  ")}`);
}
const seconds = Math.round((performance.now() - began) / 100) / 10;
console.log(JSON.stringify({ first, seeds: Number(values.seeds), ...sum, broken, seconds }));
process.exitCode = broken.length === 0 ? 0 : 1;
