import {
  cpuMs,
  openRig,
  peakMemory,
  processTree,
  rounded,
  singleSyncMs,
  spec,
  submitEach,
  title200,
  whenFinal,
} from "./rig.ts";

/**
 * 10,000 tasks with nothing to do, 200 bytes each, submitted one call each by one client, every one
 * dispatched to a worker process and reported by it, durable before it is acknowledged, done when
 * the result is durable. Two workers.
 */
const tasks = 10_000;
const inFlight = 256;

export async function benchQueue(): Promise<Record<string, number>> {
  await using rig = await openRig({ workers: 2 });
  const specs = Array.from({ length: tasks }, () => spec({ kind: "tools", calls: [] }, title200));
  const final = await whenFinal(rig.client, tasks);
  const pids = processTree(rig.supervisorPid);
  const cpuBefore = cpuMs(pids);
  const ownBefore = process.cpuUsage();
  const begun = performance.now();
  const { peak } = await peakMemory(rig.supervisorPid, async () => {
    await submitEach(rig.client, specs, inFlight);
    await final.all;
  });
  const elapsedMs = performance.now() - begun;
  const own = process.cpuUsage(ownBefore);
  return rounded({
    tasks,
    tasks_per_s: (tasks / elapsedMs) * 1000,
    cpu_ms_per_task: (cpuMs(pids) - cpuBefore) / tasks,
    client_cpu_ms_per_task: (own.user + own.system) / 1000 / tasks,
    ...peak,
    fsync_ms: singleSyncMs(rig.repo),
  });
}
