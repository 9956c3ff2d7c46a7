import { nowMs } from "./barrier.ts";
import { quantile } from "./report.ts";
import { until } from "../helpers/until.ts";
import type { Ended, Observer } from "./observer.ts";
import type { Fault } from "./faults.ts";

/** What became of the holds that something was done to, and how long that took. */
export type Hit = { readonly fault: Fault; readonly hold: string; readonly at: number };
export type HitLimits = {
  readonly graceMs: number;
  readonly heartbeatMs: number;
  readonly staleAfterMs: number;
};
/** Without a supervisor. */
export type Outage = { readonly from: number; readonly to: number };
type Judged = Hit & { readonly end: Ended; readonly ms: number };

/** Of a dead holder's claim: the median, and the slowest one, on a machine with other work. */
const freeMedianMsMax = 100;
const freeMsMax = 2_000;
const endTimeoutMs = 30_000;

export async function judgeHits(
  hits: readonly Hit[],
  outages: readonly Outage[],
  observer: Observer,
  limits: HitLimits,
): Promise<{ figures: Record<string, number>; violations: string[] }> {
  const judged: Judged[] = [];
  const violations: string[] = [];
  const deadline = nowMs() + endTimeoutMs;
  for (const hit of hits) {
    const timeoutMs = Math.max(100, deadline - nowMs());
    const end = await until(() => observer.endOf(hit.hold), { timeoutMs }).catch(() => null);
    if (end === null) violations.push(`${hit.hold} (${hit.fault}) did not end`);
    else judged.push({ ...hit, end, ms: end.at - hit.at });
  }
  violations.push(...judged.flatMap((one) => wrongEnd(one)));
  const calm = judged.filter(
    ({ at, end }) => !outages.some((out) => out.from < end.at && at < out.to),
  );
  const free = calm.filter(({ fault }) => fault === "kill").map(({ ms }) => ms);
  const hung = calm.filter(({ fault }) => fault === "hang").map(({ ms }) => ms);
  const hungMax = limits.staleAfterMs + limits.graceMs + limits.heartbeatMs;
  if (quantile(free, 0.5) > freeMedianMsMax)
    violations.push(`half of the dead holders' claims took over ${quantile(free, 0.5)} ms`);
  violations.push(
    ...free.filter((ms) => ms > freeMsMax).map((ms) => `a dead holder's claim took ${ms} ms`),
    ...hung.filter((ms) => ms > hungMax).map((ms) => `a hung holder's claim took ${ms} ms`),
    ...hung
      .filter((ms) => ms < limits.staleAfterMs - limits.heartbeatMs)
      .map((ms) => `a hung holder's claim was taken after ${ms} ms already`),
  );
  const count = (fault: Fault): number => judged.filter((one) => one.fault === fault).length;
  return {
    violations,
    figures: {
      kills: count("kill"),
      hangs: count("hang"),
      naps: count("nap"),
      wakes: count("wake"),
      woken_in_time: judged.filter(
        ({ fault, end }) => fault === "wake" && end.because === "released",
      ).length,
      free_ms_p50: quantile(free, 0.5),
      free_ms_p99: quantile(free, 0.99),
      hung_ms_p50: quantile(hung, 0.5),
      hung_ms_max: quantile(hung, 1),
    },
  };
}

function wrongEnd({ fault, hold, end }: Judged): string[] {
  return expected[fault].includes(end.because) ? [] : [`${hold} (${fault}) ended: ${end.because}`];
}

const expected: Readonly<Record<Fault, readonly string[]>> = {
  kill: ["owner_gone"],
  hang: ["owner_hung"],
  wake: ["owner_hung", "released"],
  nap: ["released"],
  crash: ["released"],
};
