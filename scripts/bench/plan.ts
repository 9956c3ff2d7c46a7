import { makeTask, makeTree, pickFrom, someClaim, someFile } from "./claimWorld.ts";
import { pairsListedMax } from "../../ipc/planView.ts";
import { percentile, rounded } from "./figures.ts";
import { planTasks } from "../../daemon/core/plan/plan.ts";
import { randomFrom } from "../../test/helpers/workload.ts";
import type { TaskSpec } from "../../ipc/taskSpec.ts";
import type { Tree } from "./claimWorld.ts";

/**
 * The plan of 10,000 tasks with 20 claims each and estimates, in a tree of 54,000 folders, from parsed
 * task files to the finished plan: the usual mix of claims (files, folders, globs in a folder), files
 * only, globs that begin alike and end differently, twenty of sixty folders each (nearly all are in each
 * other's way), and `**` for everybody. The first run, which `orchd plan` makes with cold code, and the
 * median of five more; CPU time beside them, for it suffers less from others on the machine (it counts
 * the threads of the garbage collector too).
 */
const tasks = 10_000;
const claimsOfTask = 20;
const runs = 5;
const seed = 20_260_726;
const estimateMsMax = 60_000;

export async function benchPlan(): Promise<Record<string, number>> {
  const random = randomFrom(seed);
  const tree = makeTree(random);
  const figures: Record<string, number> = { tasks, claims: tasks * claimsOfTask };
  for (const [name, claim] of Object.entries(kinds(random, tree)))
    Object.assign(figures, measure(name, makeSpecs(random, claim)));
  return rounded({ ...figures, rss_mb: process.memoryUsage().rss / 1e6 });
}

function kinds(random: () => number, { folders }: Tree): Record<string, () => string> {
  return {
    mixed: () => someClaim(random, pickFrom(random, folders)),
    files: () => someFile(random, pickFrom(random, folders)),
    endings: () => `**/*.x${Math.floor(random() * tasks * claimsOfTask)}.ts`,
    crowded: () => `packages/p${Math.floor(random() * 60)}/**`,
    alone: () => "**",
  };
}

function makeSpecs(random: () => number, claim: () => string): readonly TaskSpec[] {
  const specs = Array.from({ length: tasks }, (_, at): TaskSpec => {
    const writes = [...new Set(Array.from({ length: claimsOfTask }, claim))];
    const estimate_ms = 1 + Math.floor(random() * estimateMsMax);
    return { ...makeTask(at, { writes }).spec, estimate_ms };
  });
  // As they come out of a file: each text by itself.
  return JSON.parse(JSON.stringify(specs)) as TaskSpec[];
}

function measure(name: string, specs: readonly TaskSpec[]): Record<string, number> {
  const terms = { slots: 8, resources: {}, known: new Map(), now: 0, pairsListedMax };
  const wall: number[] = [];
  const cpu: number[] = [];
  let pairs = 0;
  for (let run = 0; run <= runs; run += 1) {
    const begun = performance.now();
    const before = process.cpuUsage();
    pairs = planTasks(specs, terms).conflicts.pairs;
    const used = process.cpuUsage(before);
    wall.push(performance.now() - begun);
    cpu.push((used.user + used.system) / 1_000);
  }
  return {
    [`${name}_first_ms`]: wall.shift() ?? Number.NaN,
    [`${name}_first_cpu_ms`]: cpu.shift() ?? Number.NaN,
    [`${name}_ms`]: percentile(wall, 0.5),
    [`${name}_cpu_ms`]: percentile(cpu, 0.5),
    [`${name}_pairs`]: pairs,
  };
}
