import { emptyCore, makeTask, makeTree, pickFrom, someClaim } from "./claimWorld.ts";
import { percentile, rounded } from "./figures.ts";
import { World, ids, readyCommand, started, worker } from "../../test/helpers/core.ts";
import { randomFrom } from "../../test/helpers/workload.ts";
import type { ClaimSet, TaskSpec } from "../../ipc/taskSpec.ts";

/**
 * How long the core takes from the end of a task to the start of the next ones, with 100,000 queued:
 * the report, the landing and the starts, without a journal. `mixed`: the usual claims in a tree of
 * 54,000 folders, a tenth of them in four crowded folders, some after others, some later than now.
 * `one_claim`: 10,000 tasks that all want the same file. Growth is against 1,000 queued.
 */
const slots = 8;
const ends = 2_000;
const seed = 20_260_726;

export async function benchSchedule(): Promise<Record<string, number>> {
  const random = randomFrom(seed);
  const { folders } = makeTree(random);
  const crowded = folders.slice(0, 4);
  const mixed = (count: number) =>
    specs(count, (at) => {
      const folder = pickFrom(random, random() < 0.1 ? crowded : folders);
      const after = at > 1_000 && random() < 0.1 ? [`t${at - 1_000}`] : [];
      const later = random() < 0.05 ? { delay_ms: Math.floor(random() * 600_000) } : null;
      return { claims: { writes: [someClaim(random, folder)] }, after, later };
    });
  for (let warm = 0; warm < 4; warm += 1) measure(mixed(1_000), 500);
  const small = Array.from({ length: 8 }, () => measure(mixed(1_000), 500)).flat();
  const large = measure(mixed(100_000), ends);
  const one = measure(
    specs(10_000, () => ({ claims: { writes: ["src/same.ts"] } })),
    ends,
  );
  return rounded({
    queued: 100_000,
    ...named("mixed", large),
    mixed_1000_p50_ms: percentile(small, 0.5),
    mixed_mean_growth: mean(large) / mean(small),
    ...named("one_claim", one),
  });
}

type Plan = { claims: Partial<ClaimSet>; after?: string[]; later?: TaskSpec["not_before"] };

function specs(count: number, plan: (at: number) => Plan): TaskSpec[] {
  return Array.from({ length: count }, (_, at) => {
    const { claims, after = [], later = null } = plan(at + 1);
    const { spec } = makeTask(at + 1, claims);
    return { ...spec, after: ids(...after), not_before: later };
  });
}

/** Milliseconds from each end to the starts it causes, the steps of landing included. */
function measure(tasks: readonly TaskSpec[], count: number): number[] {
  const world = new World();
  const { settings } = emptyCore();
  const workers = Array.from({ length: slots }, (_, at) => readyCommand(worker(at + 1)));
  const fairness = { fairnessWindowMs: 30_000, tasksOpenMax: settings.tasksOpenMax };
  world.turn(started({ slots, ...fairness }), ...workers);
  for (let from = 0; from < tasks.length; from += 1_000)
    world.submit(...tasks.slice(from, from + 1_000));
  const found: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const [next] = world.running();
    if (next === undefined) break;
    world.at += 1_000;
    world.journal.length = 0;
    const begun = performance.now();
    world.lands(next, ["src/touched.ts"]);
    found.push(performance.now() - begun);
  }
  return found;
}

function named(name: string, times: readonly number[]): Record<string, number> {
  return {
    [`${name}_ends`]: times.length,
    [`${name}_p50_ms`]: percentile(times, 0.5),
    [`${name}_p99_ms`]: percentile(times, 0.99),
    [`${name}_max_ms`]: percentile(times, 1),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
