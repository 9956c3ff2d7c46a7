import { diskFigures, rounded } from "./figures.ts";
import { spec, submitEach, whenFinal } from "./load.ts";
import { openRig } from "./rig.ts";
import { cpuOf, cpuPerTask, peakMemory } from "./usage.ts";

/** 2,000 times `/bin/true` as a task without workspace, on two workers. */
const tasks = 2_000;
const inFlight = 256;

export async function benchSpawn(): Promise<Record<string, number>> {
  await using rig = await openRig({ workers: 2 });
  const specs = Array.from({ length: tasks }, () =>
    spec({ kind: "run", argv: ["/bin/true"] }, "true"),
  );
  const final = await whenFinal(rig.client, tasks);
  const before = cpuOf(rig.supervisorPid);
  let elapsedMs = 0;
  const peak = await peakMemory(rig.supervisorPid, async () => {
    const begun = performance.now();
    await submitEach(rig.client, specs, inFlight);
    await final.all;
    elapsedMs = performance.now() - begun;
  });
  return rounded({
    tasks,
    tasks_per_s: (tasks / elapsedMs) * 1000,
    ...cpuPerTask(before, cpuOf(rig.supervisorPid), tasks),
    ...peak,
    ...diskFigures(rig.repo),
  });
}
