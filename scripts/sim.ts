import { parseArgs } from "node:util";
import { faultKinds, noFaults } from "../test/sim/faults.ts";
import { runSeed } from "../test/sim/run.ts";
import type { Verdict } from "../test/sim/run.ts";

/**
 * `npm run sim -- --seed N` replays one seed with the tail of its trace; `--seconds S` runs seed after
 * seed for that long. The last line says how many, how fast, and what happened in them.
 */
const traceTail = 40;

async function replay(seed: number): Promise<number> {
  const verdict = await runSeed(seed, { trace: true });
  for (const line of verdict.trace.slice(-traceTail)) console.log(JSON.stringify(line));
  const { trace: _trace, ...rest } = verdict;
  console.log(JSON.stringify(rest));
  return verdict.failure === null ? 0 : 1;
}

async function explore(seconds: number, first: number): Promise<number> {
  const begun = performance.now();
  const faults = noFaults();
  let seeds = 0;
  let events = 0;
  let landed = 0;
  const failed: Verdict[] = [];
  for (; performance.now() - begun < seconds * 1000; seeds += 1) {
    const verdict = await runSeed(first + seeds);
    events += verdict.events;
    landed += verdict.landed;
    for (const kind of faultKinds) faults[kind] += verdict.faults[kind];
    if (verdict.failure !== null) failed.push(verdict);
  }
  for (const { seed, failure } of failed)
    console.log(
      `seed ${seed} breaks ${failure?.rule}: ${failure?.message}\n  npm run sim -- --seed ${seed}`,
    );
  const took = (performance.now() - begun) / 1000;
  const rates = { seeds_per_s: Math.round(seeds / took), events_per_s: Math.round(events / took) };
  const never = faultKinds.filter((kind) => faults[kind] === 0);
  console.log(
    JSON.stringify({
      first,
      seeds,
      events,
      landed,
      failed: failed.length,
      ...rates,
      never,
      faults,
    }),
  );
  return failed.length === 0 ? 0 : 1;
}

const { values } = parseArgs({
  options: { seed: { type: "string" }, seconds: { type: "string" }, first: { type: "string" } },
});
process.exitCode =
  values.seed === undefined
    ? await explore(Number(values.seconds ?? 10), Number(values.first ?? Date.now() % 1_000_000))
    : await replay(Number(values.seed));
