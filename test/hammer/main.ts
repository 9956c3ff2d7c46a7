import { mkdtempSync, rmSync } from "node:fs";
import { randomInt } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { lineOf } from "./report.ts";
import type { ClaimsOptions } from "./claims.ts";
import type { FaultCounts } from "./faults.ts";
import type { HammerReport } from "./report.ts";

/**
 * Real processes that want the same lock at the same moment:
 *
 *     npm run hammer -- [control|starts|starts-real|churn|claims]… [--seconds N] [--trials N] [--seed N]
 *     npm run hammer -- claims --calm         without faults: the throughput
 *
 * Without names all of them. One JSON line each; the exit code is 1 if something did not hold.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string" },
    trials: { type: "string" },
    seed: { type: "string" },
    calm: { type: "boolean" },
  },
});
const temporary = mkdtempSync(join(tmpdir(), "orchd-hammer-"));
process.env["TMPDIR"] = temporary;
process.env["NODE_COMPILE_CACHE"] ??= join(temporary, "node-compile-cache");
process.env["ORCHD_TEST_RUN"] ??= `hammer-${process.pid}`;
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));

const fullFaults: FaultCounts = { kill: 120, hang: 12, wake: 12, nap: 24, crash: 4 };
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const trials = values.trials === undefined ? null : Number(values.trials);
const seconds = values.seconds === undefined ? null : Number(values.seconds);
const hammers: Readonly<Record<string, () => Promise<HammerReport>>> = {
  control: async () => (await import("./control.ts")).hammerControl({ trials: trials ?? 200 }),
  starts: async () => (await import("./starts.ts")).hammerStarts({ trials: trials ?? 500, seed }),
  "starts-real": async () =>
    (await import("./realStarts.ts")).hammerRealStarts({ trials: trials ?? 20 }),
  claims: async () => (await import("./claims.ts")).hammerClaims(claimsOptions()),
  churn: async () => (await import("./churn.ts")).hammerChurn({ seconds: seconds ?? 60, seed }),
};
/** The faults of a full run, in proportion. `--calm`: none, for the throughput. */
function claimsOptions(): ClaimsOptions {
  const claims = trials ?? 2_000;
  const share = claims / 2_000;
  const faults = Object.fromEntries(
    Object.entries(fullFaults).map(([fault, count]) => [fault, Math.ceil(count * share)]),
  ) as FaultCounts;
  if (values.calm === true) return { claims, seed, jumps: false };
  return { claims, seed, faults, jumps: true };
}

for (const name of positionals.length > 0 ? positionals : Object.keys(hammers)) {
  const hammer = hammers[name];
  if (hammer === undefined) throw new Error(`no such hammer: ${name}`);
  const began = performance.now();
  const report = await hammer();
  const figures = {
    seed,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    ...report.figures,
  };
  console.log(lineOf({ ...report, figures }));
  if (report.violations.length > 0) process.exitCode = 1;
}
