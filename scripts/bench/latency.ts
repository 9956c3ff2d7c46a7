import { openRig, percentile, rounded, singleSyncMs, spec, title200 } from "./rig.ts";
import { mintRequestId } from "../../ipc/ids.ts";

/** One task at a time, from the submit call to the recorded result. */
const tasks = 1_000;
const warmUp = 100;

export async function benchLatency(): Promise<Record<string, number>> {
  await using rig = await openRig({ workers: 2 });
  let settled: () => void = () => {};
  await rig.client.subscribe(null, ({ name }) => {
    if (name === "task:succeeded") settled();
  });
  const one = async () => {
    const task = spec({ kind: "tools", calls: [] }, title200);
    const done = new Promise<void>((resolve) => (settled = resolve));
    const begun = performance.now();
    await rig.client.call("submit", { request: mintRequestId(), tasks: [task] });
    await done;
    return performance.now() - begun;
  };
  for (let at = 0; at < warmUp; at += 1) await one();
  const times: number[] = [];
  for (let at = 0; at < tasks; at += 1) times.push(await one());
  const fsyncMs = singleSyncMs(rig.repo);
  const p50 = percentile(times, 0.5);
  return rounded({
    tasks,
    p50_ms: p50,
    p99_ms: percentile(times, 0.99),
    over_two_syncs_ms: p50 - 2 * fsyncMs,
    fsync_ms: fsyncMs,
  });
}
