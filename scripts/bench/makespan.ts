import {
  lowerBound,
  makeWorkload,
  makespan,
  makespanInWaves,
} from "../../test/helpers/workload.ts";
import { percentile, rounded } from "./figures.ts";

/**
 * 100 random workloads (seeds 1 to 100) of 1,000 tasks on 8 places, by the production core in virtual
 * time: how much longer than the lower bound (1: as long), and how much longer the same tasks take in
 * waves. `crowded` ones send more of the tasks to fewer folders; what they all want of those folders
 * is more than one path tells, so the bound is out of reach there.
 */
const seeds = 100;
const tasks = 1_000;
const slots = 8;
const crowdings = { mixed: 1.5, crowded: 2, very_crowded: 3 };

export async function benchMakespan(): Promise<Record<string, number>> {
  const figures: Record<string, number> = { first_seed: 1, last_seed: seeds, tasks, slots };
  for (const [name, crowding] of Object.entries(crowdings))
    Object.assign(figures, measure(name, crowding));
  return rounded(figures);
}

function measure(name: string, crowding: number): Record<string, number> {
  const ratios: number[] = [];
  const waves: number[] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const work = makeWorkload(seed, tasks, crowding);
    const bound = lowerBound(work, slots);
    const ms = makespan(work, slots);
    ratios.push(ms / bound);
    waves.push(makespanInWaves(work, slots) / ms);
  }
  return {
    [`${name}_median`]: percentile(ratios, 0.5),
    [`${name}_worst`]: percentile(ratios, 1),
    [`${name}_waves_median`]: percentile(waves, 0.5),
    [`${name}_waves_best`]: percentile(waves, 0),
  };
}
