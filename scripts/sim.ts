import { parseArgs } from "node:util";
import { randomInt } from "node:crypto";
import { bugSeedsMax, controlBugs, foundBugs, plantedBugs } from "../test/sim/bugs.ts";
import { campaign, replayCommand, vacuous } from "../test/sim/campaign.ts";
import { keepRegression, regressions } from "../test/sim/regressions.ts";
import { runSeed } from "../test/sim/run.ts";
import { seedsUntilCaught } from "../test/sim/mutate.ts";
import type { Bug } from "../test/sim/bugs.ts";
import type { Campaign } from "../test/sim/campaign.ts";
import type { Verdict } from "../test/sim/run.ts";

/**
 * The simulator from the command line (docs/simulator.md):
 *
 *     npm run sim -- --seconds 60 [--first N]    seeds that nobody has seen, after the regressions
 *     npm run sim -- --seed N [--lines N]        one seed, with the end of its trace; --aim CALL: the
 *                                                supervisor dies at that call besides
 *     npm run sim -- --bugs [--first N]          how soon each planted bug is caught
 *     npm run sim -- --bug NAME [--first N]      the same for one of them
 *     npm run sim -- --found                     bugs there were, put back, each with its own seed
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    aim: { type: "string" },
    seconds: { type: "string", default: "60" },
    first: { type: "string" },
    lines: { type: "string", default: "60" },
    bugs: { type: "boolean", default: false },
    bug: { type: "string" },
    found: { type: "boolean", default: false },
  },
});

const seedsEnd = 2 ** 40;
/** Where nobody has looked, unless told otherwise. */
const first = values.first === undefined ? randomInt(seedsEnd) : Number(values.first);
process.exitCode = (await passes()) ? 0 : 1;

async function passes(): Promise<boolean> {
  if (values.seed !== undefined)
    return await showSeed({ seed: Number(values.seed), aim: values.aim ?? null });
  if (values.bug !== undefined) return await catchBugs(bugsNamed(values.bug));
  if (values.bugs) return await catchBugs([...plantedBugs, ...controlBugs]);
  if (values.found) return await catchFound();
  return (await replayRegressions()) && (await runFor(Number(values.seconds) * 1_000));
}

async function showSeed({ seed, aim }: Pick<Verdict, "seed" | "aim">): Promise<boolean> {
  const verdict = await runSeed(seed, { trace: true, aim });
  const shown = verdict.trace.slice(-Number(values.lines));
  for (const [at, ...parts] of shown) console.log(traceLine(Number(at), parts));
  console.log(`seed ${seed}, scenario ${verdict.scenario}: ${verdict.events} events`);
  console.log(verdict.failure === null ? "nothing is wrong" : verdict.failure.message);
  return verdict.failure === null;
}

function traceLine(at: number, parts: readonly unknown[]): string {
  const words = parts.map((part) => (typeof part === "string" ? part : JSON.stringify(part)));
  return `${at.toFixed(0).padStart(9)} ${words.join(" ")}`.slice(0, 240);
}

async function replayRegressions(): Promise<boolean> {
  let good = true;
  for (const { seed, aim = null, scenario, why } of regressions()) {
    const verdict = await runSeed(seed, { aim });
    if (verdict.scenario !== scenario)
      console.log(`seed ${seed} draws another run by now, and no longer shows: ${why}`);
    if (verdict.failure !== null) good = false;
    report(verdict);
  }
  return good;
}

async function runFor(ms: number): Promise<boolean> {
  console.log(`first seed ${first}`);
  const endMs = performance.now() + ms;
  const result = await campaign(first, () => performance.now() < endMs);
  summarise(result);
  for (const verdict of result.failed) {
    await showSeed(verdict);
    report(verdict);
    console.log(`  kept in ${keepRegression(verdict)}`);
  }
  const empty = vacuous(result);
  for (const line of empty) console.log(`proves too little: ${line}`);
  return result.failed.length === 0 && empty.length === 0;
}

function report(verdict: Verdict): void {
  if (verdict.failure === null) return;
  console.log(`\nseed ${verdict.seed} breaks ${verdict.failure.message}`);
  console.log(`  ${replayCommand(verdict)}`);
}

function summarise(result: Campaign): void {
  const { seeds, events, tasks, landed, faults, deathsAt, elapsedMs, cpuMs } = result;
  const rate = (count: number, ms: number): string =>
    Math.round((count * 1_000) / ms).toLocaleString("en");
  for (const [kind, count] of Object.entries(faults)) countLine(kind, count);
  console.log("supervisors that died at:");
  for (const [call, deaths] of deathsAt) countLine(call, deaths);
  console.log(
    `seeds ${first} to ${first + seeds - 1} in ${(elapsedMs / 1_000).toFixed(1)} s on one core`,
  );
  console.log(`${events} events, ${result.eventsLeast} or more in each seed; ${tasks} tasks`);
  console.log(`${rate(seeds, elapsedMs)} seeds/s, ${rate(events, elapsedMs)} events/s`);
  console.log(`${rate(seeds, cpuMs)} seeds and ${rate(events, cpuMs)} events a second of CPU`);
  console.log(`${landed} landed, ${result.failed.length} seeds failed`);
}

function countLine(name: string, count: number): void {
  console.log(`  ${name.padEnd(22)} ${String(count).padStart(8)}`);
}

function bugsNamed(name: string): readonly Bug[] {
  const named = [...plantedBugs, ...controlBugs, ...foundBugs].filter((bug) => bug.name === name);
  if (named.length === 0) console.log(`no bug is called "${name}": see test/sim/bugs.ts`);
  return named;
}

async function catchBugs(bugs: readonly Bug[]): Promise<boolean> {
  console.log(`first seed ${first}, at most ${bugSeedsMax} for each bug`);
  let caught = 0;
  for (const bug of bugs) if (await catchBug(bug, first)) caught += 1;
  console.log(`${caught} of ${bugs.length} caught`);
  return bugs.length > 0 && caught === bugs.length;
}

async function catchBug(bug: Bug, from: number): Promise<boolean> {
  const caught = await seedsUntilCaught(bug, from, bugSeedsMax);
  const after = caught === null ? "MISSED" : String(caught.seeds);
  const by = caught?.verdict.failure?.message.split("\n")[0] ?? "by nothing";
  console.log(`${after.padStart(6)}  ${bug.name}\n        ${by.slice(0, 100)}`);
  return caught !== null;
}

/** Rarer than planted ones: the seed that found it is tried first, and the next ones when the drawing has changed. */
async function catchFound(): Promise<boolean> {
  const known = regressions();
  let all = true;
  for (const bug of foundBugs) {
    const seed = known.find(({ why }) => why === bug.name)?.seed ?? first;
    all = (await catchBug(bug, seed)) && all;
  }
  return all;
}
