import { mintRequestId } from "../../ipc/ids.ts";
import { diskFigures, percentile, rounded } from "./figures.ts";
import { instants, submitEach, whenFinal } from "./load.ts";
import { openRig } from "./rig.ts";

/** The time of one submit, one at a time, with nothing queued and with 100,000 tasks queued. */
const queued = 100_000;
const samples = 2_000;
/** Compiled code on both sides of the comparison: these run to their end before it begins. */
const warmUp = 3_000;
const perSubmit = 1_000;

export async function benchSubmitFlat(): Promise<Record<string, number>> {
  await using rig = await openRig({ workers: 2 });
  const final = await whenFinal(rig.client, warmUp);
  await submitEach(rig.client, instants(warmUp), 1);
  await final.all;
  await rig.client.call("pause", { ids: [] });
  const empty = await submitEach(rig.client, instants(samples), 1);
  for (let at = 0; at < queued; at += perSubmit)
    await rig.client.call("submit", { request: mintRequestId(), tasks: instants(perSubmit) });
  const full = await submitEach(rig.client, instants(samples), 1);
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
    ...diskFigures(rig.repo),
  });
}
