import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { LongRun } from "../chaos/longRun.ts";
import { workBeside } from "./beside.ts";
import { tellInLanes } from "./lanes.ts";
import type { Told } from "./lanes.ts";
import { tellStory } from "./story.ts";

/**
 * A person works in a repository while tasks land in it, with real git:
 *
 *     npm run person -- [--seeds N] [--first N] [--landings N] [--lanes N] [--lines N]
 *                                                 a command of theirs between any two steps, by seed
 *     npm run person -- --tasks N [--first N]     beside a whole supervisor, workers and all
 *
 * The last line is JSON; the exit code is 0 if nothing of theirs was lost, reverted or brought back.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    first: { type: "string", default: `${randomInt(2 ** 40)}` },
    landings: { type: "string", default: "7" },
    lines: { type: "string", default: "60" },
    lanes: { type: "string", default: "2" },
    tasks: { type: "string" },
  },
});

const first = Number(values.first);
const began = performance.now();
const outsideMs = 3 * 60_000;
const landingMsMax = 10_000;
const run = new LongRun("person");
process.exitCode = (await passes()) ? 0 : 1;

async function passes(): Promise<boolean> {
  return values.tasks === undefined ? await seeds() : await besideSupervisor(Number(values.tasks));
}

/** No seed takes that long, not even on a busy machine. */
function limitMs(landings: number): number {
  return outsideMs + landings * landingMsMax;
}

async function besideSupervisor(tasks: number): Promise<boolean> {
  using _ = run.endAfter(limitMs(tasks));
  const { lines, problems, ...counts } = await workBeside(first, tasks);
  if (problems.length > 0) console.log(lines.slice(-Number(values.lines)).join("\n"));
  console.log(JSON.stringify({ first, tasks, ...counts, problems, seconds: seconds() }));
  return problems.length === 0;
}

async function seeds(): Promise<boolean> {
  const [seedsTold, landings] = [Number(values.seeds), Number(values.landings)];
  const lanes = Number(values.lanes);
  const args = ["--landings", values.landings, "--lines", values.lines];
  const told =
    lanes > 1
      ? await tellInLanes(args, { first, seeds: seedsTold, lanes })
      : await tellAll(seedsTold, landings);
  if (told !== null) console.log(JSON.stringify({ ...told, seconds: seconds() }));
  return told !== null && told.broken.length === 0;
}

async function tellAll(seedsTold: number, landings: number): Promise<Told> {
  const sum = { landed: 0, followed: 0, moves: 0, movesHalfDone: 0, rewinds: 0, reapplied: 0 };
  const broken: number[] = [];
  const linesShown = Number(values.lines);
  for (let seed = first; seed < first + seedsTold; seed += 1) {
    const lines = [`seed ${seed}`];
    using _ = run.endAfter(limitMs(landings), () => lines.slice(-linesShown).join("\n"));
    const story = await tellStory(seed, landings, lines);
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += story[key];
    if (story.problems.length === 0) continue;
    broken.push(seed);
    console.log(story.lines.slice(-linesShown).join("\n"));
    console.log(`BROKEN seed ${seed}\n  ${story.problems.join("\n  ")}`);
  }
  return { first, seeds: seedsTold, landings, ...sum, broken };
}

function seconds(): number {
  return Math.round((performance.now() - began) / 100) / 10;
}
