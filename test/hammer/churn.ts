import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../sim/random.ts";
import { nowMs } from "./barrier.ts";
import { startContender } from "./contender.ts";
import { quantile } from "./report.ts";
import type { Churned } from "./churner.ts";
import type { HammerReport } from "./report.ts";

/**
 * Four processes take and give back the supervisor's lock as fast as they can, and die now and then
 * while they hold it (churner.ts); a new process takes the place of each that died. What a process saw
 * is known when it lived to the end, and what the others saw of it in any case.
 */
export type ChurnOptions = { readonly seconds: number; readonly seed: number };

const lanes = 4;
const killsInThousand = 20;
/** Another one polls for it, as supervisors that start do; under load that takes its time. */
const takeoverMedianMsMax = 100;

export async function hammerChurn({ seconds, seed }: ChurnOptions): Promise<HammerReport> {
  const folder = mkdtempSync(join(tmpdir(), "hammer-"));
  const random = new Random(seed);
  const found: Found = { churned: [], kills: 0, waiting: lanes, began: Promise.withResolvers() };
  const seeds = Array.from({ length: lanes }, () => random.int(0, 2 ** 31 - 1));
  try {
    await Promise.all(seeds.map((own) => lane(folder, new Random(own), seconds * 1_000, found)));
    return { hammer: "churn", ...judge(found, epochIn(folder), seconds) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Found = {
  churned: Churned[];
  kills: number;
  waiting: number;
  readonly began: PromiseWithResolvers<number>;
};

async function lane(folder: string, random: Random, forMs: number, found: Found): Promise<void> {
  let until = Infinity;
  while (nowMs() < until) {
    const args = [folder, `${random.int(0, 2 ** 31 - 1)}`, `${killsInThousand}`];
    await using churner = await startContender<Churned>(
      new URL("churner.ts", import.meta.url),
      args,
    );
    if ((found.waiting -= 1) === 0) found.began.resolve(nowMs() + headStartMs);
    const began = await found.began.promise;
    until = began + forMs;
    const said = await churner.askOrEnd(`churn ${began} ${until}`);
    if (said === null) found.kills += 1;
    else found.churned.push(said);
  }
}

function judge(found: Found, epoch: number, seconds: number): Omit<HammerReport, "hammer"> {
  const spans = found.churned.flatMap((one) => one.spans).toSorted((a, b) => a.start - b.start);
  const takeovers = found.churned.flatMap((one) => one.takeovers);
  const refused = found.churned.reduce((sum, one) => sum + one.refused, 0);
  const violations = found.churned.flatMap((one) => one.wrong);
  for (const [at, span] of spans.entries()) {
    const next = spans[at + 1];
    if (next !== undefined && next.start < span.end)
      violations.push(`two holders at ${next.start} ms`);
  }
  const takeover = quantile(takeovers, 0.5);
  if (takeover > takeoverMedianMsMax)
    violations.push(`a dead holder's lock was free after ${takeover} ms`);
  if (refused === 0) violations.push("nobody was ever refused: they did not meet");
  return {
    violations,
    figures: {
      holds: epoch,
      holds_per_s: Math.round(epoch / seconds),
      refused,
      kills: found.kills,
      takeover_ms_p50: takeover,
      takeover_ms_p99: quantile(takeovers, 0.99),
    },
  };
}

function epochIn(folder: string): number {
  return Number(readFileSync(join(folder, "epoch"), "utf8"));
}

const headStartMs = 5;
