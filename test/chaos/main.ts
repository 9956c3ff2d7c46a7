import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { LongRun } from "./longRun.ts";

/**
 * Chaos with real processes, real git and a real disk:
 *
 *     npm run chaos -- --failpoints [--part 1/8] [--only REGEX] [--scenario NAME] [--times N]
 *     npm run chaos -- --seconds 180 [--seed N]
 *     npm run chaos -- --landing [--kills 60] [--seed N] [--only REGEX]
 *
 * The last line is JSON; the exit code is 0 if everything held. One that hangs ends by itself, with 1.
 */
const { values } = parseArgs({
  options: {
    failpoints: { type: "boolean" },
    only: { type: "string", default: "" },
    part: { type: "string", default: "1/1" },
    scenario: { type: "string" },
    times: { type: "string", default: "1" },
    lanes: { type: "string", default: "2" },
    landing: { type: "boolean" },
    kills: { type: "string", default: "60" },
    seconds: { type: "string" },
    seed: { type: "string" },
  },
});
const run = new LongRun("chaos");
process.exitCode = (await holds()) ? 0 : 1;

async function holds(): Promise<boolean> {
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  if (values.landing === true) {
    const { killWhileLanding, landingLimitMs } = await import("./landing/killWhileLanding.ts");
    const [only, lanes] = [new RegExp(values.only), Number(values.lanes)];
    const options = { kills: Number(values.kills), seed, only, lanes };
    run.endAfter(await landingLimitMs(options));
    return await killWhileLanding(options);
  }
  if (values.failpoints === true) return await failpoints();
  const { killAtRandom, randomLimitMs } = await import("./random.ts");
  const options = { seconds: Number(values.seconds ?? "180"), seed };
  run.endAfter(randomLimitMs(options));
  return await killAtRandom(options);
}

async function failpoints(): Promise<boolean> {
  const { failpointsLimitMs, killEverywhere } = await import("./failpoints.ts");
  const began = performance.now();
  const [part = 1, parts = 1] = values.part.split("/").map(Number);
  const only = new RegExp(values.only);
  const [lanes, times] = [Number(values.lanes), Number(values.times)];
  const { scenario = null } = values;
  const options = { part, parts, only, scenario, times, lanes };
  run.endAfter(await failpointsLimitMs(options));
  const killed = await killEverywhere(options);
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  console.log(JSON.stringify({ ...killed, seconds }));
  return killed.broken === 0 && killed.never === 0;
}
