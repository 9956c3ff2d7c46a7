import {
  cpuMs,
  openRig,
  peakMemory,
  processTree,
  rounded,
  singleSyncMs,
  spec,
  submitEach,
  whenFinal,
} from "./rig.ts";

/** 2,000 times `/bin/true` as a task without workspace, on two workers. */
const tasks = 2_000;
const inFlight = 256;

export async function benchSpawn(): Promise<Record<string, number>> {
  await using rig = await openRig({ workers: 2 });
  const specs = Array.from({ length: tasks }, () =>
    spec({ kind: "run", argv: ["/bin/true"] }, "true"),
  );
  const final = await whenFinal(rig.client, tasks);
  const pids = processTree(rig.supervisorPid);
  const cpuBefore = cpuMs(pids);
  const begun = performance.now();
  const { peak } = await peakMemory(rig.supervisorPid, async () => {
    await submitEach(rig.client, specs, inFlight);
    await final.all;
  });
  const elapsedMs = performance.now() - begun;
  return rounded({
    tasks,
    tasks_per_s: (tasks / elapsedMs) * 1000,
    cpu_ms_per_task: (cpuMs(pids) - cpuBefore) / tasks,
    ...peak,
    fsync_ms: singleSyncMs(rig.repo),
  });
}
