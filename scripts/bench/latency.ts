import { mintRequestId } from "../../ipc/ids.ts";
import { diskFigures, percentile, rounded } from "./figures.ts";
import { instants } from "./load.ts";
import { openRig } from "./rig.ts";

/**
 * One task at a time, from the submit call to the recorded result. It costs two commits one after
 * the other: accepted and started, then ended.
 */
const tasks = 1_000;
const warmUp = 500;

export async function benchLatency(): Promise<Record<string, number>> {
  await using rig = await openRig({ workers: 2 });
  let settled: () => void = () => {};
  await rig.client.subscribe(null, ({ name }) => {
    if (name === "task:succeeded") settled();
  });
  const times: number[] = [];
  for (const task of instants(warmUp + tasks)) {
    const done = new Promise<void>((resolve) => (settled = resolve));
    const begun = performance.now();
    await rig.client.call("submit", { request: mintRequestId(), tasks: [task] });
    await done;
    times.push(performance.now() - begun);
  }
  const measured = times.slice(warmUp);
  const disk = diskFigures(rig.repo);
  const p50 = percentile(measured, 0.5);
  return rounded({
    tasks,
    p50_ms: p50,
    p99_ms: percentile(measured, 0.99),
    over_two_commits_ms: p50 - 2 * disk.commit_ms,
    ...disk,
  });
}
