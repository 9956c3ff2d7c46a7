import { connect } from "../../ipc/client.ts";
import { endEverything } from "../chaos/living.ts";
import { makeRepository } from "../helpers/repository.ts";
import { runOrchd } from "../helpers/supervised.ts";
import { Random } from "../sim/random.ts";
import { until } from "../helpers/until.ts";
import { nowMs } from "./barrier.ts";
import { ClaimsRun } from "./claimsRun.ts";
import { drawFaults, jumpingClock, noFaults } from "./faults.ts";
import { Observer } from "./observer.ts";
import { wakeTooLate } from "./tooLate.ts";
import type { FaultCounts } from "./faults.ts";
import type { HammerReport } from "./report.ts";
import type { TestRepository } from "../helpers/repository.ts";

/**
 * Clients that take and give back overlapping claims through a real supervisor as fast as they can,
 * while they are killed, stopped and woken up in the middle of it, the supervisor is killed, and the
 * wall clock jumps. What they hold they write to a resource that knows only fences
 * (fencedResource.ts).
 *
 * A write that the resource refuses, or two fences inside one path at once, is a violation. So is a
 * holder that still lives when the next one begins, a process that ended though nobody hung or killed
 * it, a dead holder's claim that is not free soon, and anything that is left at the end.
 */
export type ClaimsOptions = {
  readonly clients?: number;
  /** For each client. */
  readonly claims: number;
  readonly seed: number;
  readonly faults?: FaultCounts;
  /** Whether the wall clock jumps, where libfaketime is installed. */
  readonly jumps: boolean;
};

const limits = { graceMs: 300, heartbeatMs: 1_000, staleAfterMs: 3_000 };
const jumpEveryMs = 700;
const endTimeoutMs = 15_000;
const reconnectMs = 60_000;

export async function hammerClaims(options: ClaimsOptions): Promise<HammerReport> {
  const { clients = 8, claims, seed, faults = noFaults } = options;
  const random = new Random(seed);
  const ms = ({ graceMs, heartbeatMs, staleAfterMs }: typeof limits): object => ({
    grace: `${graceMs}ms`,
    heartbeat: `${heartbeatMs}ms`,
    stale_after: `${staleAfterMs}ms`,
  });
  await using real = await makeRepository({ config: { limits: ms(limits) } });
  const clock = options.jumps ? jumpingClock(real) : null;
  if (options.jumps && clock === null)
    console.error("SKIPPED: clocks that jump: there is no libfaketime here (Debian: faketime)");
  const repository = { ...real, env: { ...real.env, ...clock?.env } };
  const plan = drawFaults(random, clients * claims, faults);
  const run = new ClaimsRun({ repository, random, plan, limits, lanes: clients });
  let jumping: NodeJS.Timeout | undefined;
  try {
    await orchd(repository, "start");
    await using client = await connect({
      repo: repository.dir,
      reconnect: { timeoutMs: reconnectMs },
    });
    const observer = new Observer();
    await observer.watch(client);
    if (clock !== null) jumping = setInterval(() => clock.jump(random), jumpEveryMs);
    const lanes = Promise.all(Array.from({ length: clients }, () => run.lane(claims)));
    const began = await run.began;
    await lanes;
    const seconds = (nowMs() - began) / 1_000;
    const times = await run.latencies(observer);
    await noneLeft(client).catch((error: unknown) => run.violations.push(String(error)));
    run.violations.push(...run.resource.overlaps(), ...(await wakeTooLate(repository.dir, client)));
    const figures = { ...run.figures(), ...times, per_s: Math.round(run.grants / seconds) };
    return { hammer: "claims", violations: run.violations, figures };
  } finally {
    clearInterval(jumping);
    await run.settled();
    await orchd(repository, "stop");
    await endEverything(repository);
  }
}

async function noneLeft(client: Awaited<ReturnType<typeof connect>>): Promise<void> {
  await until(async () => (await client.call("locks", {})).locks.length === 0, {
    what: "no lock to be left",
    timeoutMs: endTimeoutMs,
  });
}

async function orchd(repository: TestRepository, verb: string): Promise<void> {
  const { code, stderr } = await runOrchd(repository, [verb]);
  if (code !== 0) throw new Error(`orchd ${verb}: exit code ${code}: ${stderr}`);
}
