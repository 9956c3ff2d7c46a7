import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/**
 * Chaos with real processes, real git and a real disk:
 *
 *     npm run chaos -- --failpoints [--part 1/8] [--only REGEX] [--scenario NAME] [--times N]
 *     npm run chaos -- --seconds 180 [--seed N]
 *     npm run chaos -- --landing [--kills 60] [--seed N] [--only REGEX]
 *
 * The last line is JSON; the exit code is 0 if everything held.
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
const temporary = mkdtempSync(join(tmpdir(), "orchd-chaos-"));
process.env["TMPDIR"] = temporary;
process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "node-compile-cache");
process.env["ORCHD_TEST_RUN"] ??= `chaos-${process.pid}`;
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
process.exitCode = (await run()) ? 0 : 1;

async function run(): Promise<boolean> {
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  if (values.landing === true) {
    const { killWhileLanding } = await import("./landing/killWhileLanding.ts");
    const [only, lanes] = [new RegExp(values.only), Number(values.lanes)];
    return await killWhileLanding({ kills: Number(values.kills), seed, only, lanes });
  }
  if (values.failpoints === true) return await failpoints();
  const { killAtRandom } = await import("./random.ts");
  return await killAtRandom({ seconds: Number(values.seconds ?? "180"), seed });
}

async function failpoints(): Promise<boolean> {
  const { killEverywhere } = await import("./failpoints.ts");
  const began = performance.now();
  const [part = 1, parts = 1] = values.part.split("/").map(Number);
  const only = new RegExp(values.only);
  const [lanes, times] = [Number(values.lanes), Number(values.times)];
  const { scenario = null } = values;
  const killed = await killEverywhere({ part, parts, only, scenario, times, lanes });
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  console.log(JSON.stringify({ ...killed, seconds }));
  return killed.broken === 0 && killed.never === 0;
}
