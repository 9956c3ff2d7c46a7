import { memory, openRig, percentile, processTree, rounded } from "./rig.ts";

/**
 * From cold: how long until the supervisor accepts submits and until a worker has dialled in, and
 * what they weigh then. Median of several starts, each of a supervisor of its own.
 */
const starts = 5;

export async function benchStartup(): Promise<Record<string, number>> {
  const runs: Record<string, number>[] = [];
  for (let at = 0; at < starts; at += 1) runs.push(await oneStart());
  const median = (name: string) =>
    percentile(
      runs.map((run) => run[name] ?? Number.NaN),
      0.5,
    );
  return rounded(
    Object.fromEntries(Object.keys(runs[0] ?? {}).map((name) => [name, median(name)])),
  );
}

async function oneStart(): Promise<Record<string, number>> {
  await using rig = await openRig({ workers: 1 });
  const { timings } = await rig.client.call("config", {}).then(() => ({ timings: rig }));
  const worker = processTree(rig.supervisorPid).find((pid) => pid !== rig.supervisorPid);
  return {
    start_command_ms: timings.startedMs,
    supervisor_rss_mb: memory(rig.supervisorPid).rssMb,
    worker_rss_mb: worker === undefined ? Number.NaN : memory(worker).rssMb,
  };
}
