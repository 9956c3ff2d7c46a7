import { openRig, percentile, rounded, singleSyncMs, spec, submitEach, title200 } from "./rig.ts";
import { mintRequestId } from "../../ipc/ids.ts";
import type { Client } from "../../ipc/client.ts";

/** The time of one submit with nothing queued, and with 100,000 tasks queued. */
const queued = 100_000;
const samples = 1_000;
const perSubmit = 1_000;

export async function benchSubmitFlat(): Promise<Record<string, number>> {
  await using rig = await openRig({ workers: 2 });
  await rig.client.call("pause", { ids: [] });
  await sample(rig.client, 200);
  const empty = await sample(rig.client, samples);
  for (let at = 0; at < queued; at += perSubmit) {
    const tasks = Array.from({ length: perSubmit }, () =>
      spec({ kind: "tools", calls: [] }, title200),
    );
    await rig.client.call("submit", { request: mintRequestId(), tasks });
  }
  const full = await sample(rig.client, samples);
  const p99 = { empty: percentile(empty, 0.99), full: percentile(full, 0.99) };
  const p50 = { empty: percentile(empty, 0.5), full: percentile(full, 0.5) };
  return rounded({
    queued,
    p50_empty_ms: p50.empty,
    p50_full_ms: p50.full,
    p50_ratio: p50.full / p50.empty,
    p99_empty_ms: p99.empty,
    p99_full_ms: p99.full,
    p99_ratio: p99.full / p99.empty,
    fsync_ms: singleSyncMs(rig.repo),
  });
}

function sample(client: Client, count: number): Promise<number[]> {
  const specs = Array.from({ length: count }, () => spec({ kind: "tools", calls: [] }, title200));
  return submitEach(client, specs, 1);
}
