import { connect } from "../../ipc/client.ts";
import { diskFigures, percentile, rounded } from "./figures.ts";
import { instants, submitEach, whenFinal } from "./load.ts";
import { openRig } from "./rig.ts";
import { cpuOf, cpuPerTask, peakMemory } from "./usage.ts";

/**
 * 10,000 tasks with nothing to do, 200 bytes each, submitted one call each by one client, every one
 * dispatched to a worker process and reported by it, durable before it is acknowledged, done when
 * the result is durable. Two workers. Meanwhile a second client asks questions again and again: for
 * the configuration, which is answered at once (so its time is that of a busy event loop), and for the
 * status, which waits for the batch under way and for a look at the branches.
 */
const tasks = 10_000;
const inFlight = 256;
const askPauseMs = 5;
const askedForStatusEvery = 20;

export async function benchQueue(): Promise<Record<string, number>> {
  await using rig = await openRig({ workers: 2 });
  const specs = instants(tasks);
  const final = await whenFinal(rig.client, tasks);
  const before = cpuOf(rig.supervisorPid);
  const ownBefore = process.cpuUsage();
  const watching = new AbortController();
  const asked = askAgainAndAgain(rig.repo, watching.signal);
  let elapsedMs = 0;
  const peak = await peakMemory(rig.supervisorPid, async () => {
    const begun = performance.now();
    await submitEach(rig.client, specs, inFlight);
    await final.all;
    elapsedMs = performance.now() - begun;
  });
  const own = process.cpuUsage(ownBefore);
  const cpu = cpuPerTask(before, cpuOf(rig.supervisorPid), tasks);
  watching.abort();
  const { configMs, statusMs } = await asked;
  return rounded({
    tasks,
    tasks_per_s: (tasks / elapsedMs) * 1000,
    ...cpu,
    cpu_ms_client: (own.user + own.system) / 1000 / tasks,
    config_p50_ms: percentile(configMs, 0.5),
    config_p99_ms: percentile(configMs, 0.99),
    status_p99_ms: percentile(statusMs, 0.99),
    ...peak,
    ...diskFigures(rig.repo),
  });
}

async function askAgainAndAgain(repo: string, signal: AbortSignal) {
  await using client = await connect({ repo });
  const [configMs, statusMs]: [number[], number[]] = [[], []];
  for (let turn = 0; !signal.aborted; turn += 1) {
    const begun = performance.now();
    if (turn % askedForStatusEvery > 0) {
      await client.call("config", {});
      configMs.push(performance.now() - begun);
    } else {
      await client.call("status", { finished_max: 0, open_max: 0 });
      statusMs.push(performance.now() - begun);
    }
    await new Promise((resolve) => setTimeout(resolve, askPauseMs));
  }
  return { configMs, statusMs };
}
