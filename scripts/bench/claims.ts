import { emptyCore, makeTask, makeTree, pickFrom, someClaim, someFile } from "./claimWorld.ts";
import { benchChecks } from "./checks.ts";
import { block, endPatience, hold, lookAtClaims, release } from "../../daemon/core/claimWaits.ts";
import { percentile, rounded } from "./figures.ts";
import { randomFrom } from "../../test/helpers/workload.ts";
import type { State, Task } from "../../daemon/core/state.ts";
import type { Tree } from "./claimWorld.ts";

/**
 * What claims cost in the core: look for what stands in the way, take them, give them up again, while
 * 10,000 are held and 100,000 wait for those, in a tree of 54,000 folders. The same with a hundredth of
 * that tells how the cost grows. The waiters come earlier and have waited for so long that nobody may
 * pass them, as it is soon where so many wait. Globs are compiled for each task that comes in.
 */
const sizes = { small: { held: 100, waiting: 900 }, large: { held: 10_000, waiting: 100_000 } };
const seed = 20_260_726;
const operations = 200_000;
/** Enough for the CPU time of one collection of garbage not to show as growth. */
const wideOperations = 40_000;

export async function benchClaims(): Promise<Record<string, number>> {
  const small = measure(sizes.small);
  const large = measure(sizes.large);
  const figures: Record<string, number> = { ...sizes.large };
  for (const [name, value] of Object.entries(large)) figures[name] = value;
  for (const name of ["narrow_cpu_us", "task_of_5_cpu_us", "wide_cpu_us"])
    figures[name.replace("_cpu_us", "_growth")] = (large[name] ?? 0) / (small[name] ?? 1);
  return rounded(figures);
}

function measure(size: {
  readonly held: number;
  readonly waiting: number;
}): Record<string, number> {
  const random = randomFrom(seed);
  const tree = makeTree(random);
  const began = performance.now();
  const { state, looks } = crowd(random, tree, size);
  const crowdMs = performance.now() - began;
  const narrow = tasksThat(state, "start", 20_000, () => {
    const folder = pickFrom(random, tree.folders);
    return [random() < 0.8 ? someFile(random, folder) : `${folder}/**`];
  });
  const stopped = tasksThat(state, "wait", 5_000, () => [
    someFile(random, pickFrom(random, tree.folders)),
  ]);
  const ofFive = tasksThat(state, "start", 5_000, () =>
    Array.from({ length: 5 }, () => someClaim(random, pickFrom(random, tree.folders))),
  );
  const wide = Array.from({ length: 2_000 }, () =>
    makeTask(next(), { writes: [wideGlob(random, tree)] }),
  );
  for (const tasks of [narrow, stopped, ofFive, wide]) repeat(state, tasks, 5_000);
  const [perSecond, narrowCpu] = throughput(state, narrow, operations);
  const [, ofFiveCpu] = throughput(state, ofFive, operations / 5);
  const [, wideCpu] = throughput(state, wide, wideOperations);
  const twenty = Array.from({ length: 2_000 }, () =>
    Array.from({ length: 20 }, () => someClaim(random, pickFrom(random, tree.folders))),
  );
  const acrossAll = Array.from({ length: 200 }, () => [wideGlob(random, tree)]);
  return {
    folders: tree.folders.length,
    made_in_ms: crowdMs,
    look_and_wait_us: (crowdMs * 1_000) / looks,
    narrow_per_s: perSecond,
    narrow_cpu_us: narrowCpu,
    ...latencies("narrow", state, narrow, operations),
    ...latencies("stopped", state, stopped, operations),
    task_of_5_cpu_us: ofFiveCpu,
    ...latencies("task_of_5", state, ofFive, operations / 5),
    wide_cpu_us: wideCpu,
    ...latencies("wide", state, wide, wideOperations),
    ...benchChecks("check_of_20", state, twenty),
    ...benchChecks("check_wide", state, acrossAll),
    ...benchChecks(
      "check_everything",
      state,
      Array.from({ length: 50 }, () => ["**"]),
    ),
    rss_mb: process.memoryUsage().rss / 1e6,
  };
}

let order = 0;
function next(): number {
  order += 1;
  return order;
}

/** Holders that do not meet, and waiters that want what one of them holds, or something around it. */
function crowd(
  random: () => number,
  { folders }: Tree,
  size: { readonly held: number; readonly waiting: number },
): { readonly state: State; readonly looks: number } {
  const state = emptyCore();
  const taken: { readonly folder: string; readonly claim: string }[] = [];
  let looks = 0;
  for (; taken.length < size.held; looks += 1) {
    const folder = pickFrom(random, folders);
    const claim = someClaim(random, folder);
    const task = makeTask(next(), { writes: [claim] });
    if (!lookAtClaims(state, task).free) continue;
    state.tasks.set(task.id, task);
    hold(state, task);
    taken.push({ folder, claim });
  }
  for (let waiting = 0; waiting < size.waiting; looks += 1) {
    const { folder, claim } = pickFrom(random, taken);
    const asked = random() < 0.5 ? claim : someClaim(random, folder);
    const task = makeTask(next(), { writes: [asked] });
    const look = lookAtClaims(state, task);
    if (look.free) continue;
    state.tasks.set(task.id, task);
    block(state, look, 0);
    waiting += 1;
  }
  endPatience(state, state.settings.fairnessWindowMs);
  return { state, looks };
}

/** Tasks whose claims are free, or are not. */
function tasksThat(
  state: State,
  what: "start" | "wait",
  count: number,
  claims: () => string[],
): Task[] {
  const found: Task[] = [];
  while (found.length < count) {
    const task = makeTask(next(), { writes: claims() });
    if (lookAtClaims(state, task).free === (what === "start")) found.push(task);
  }
  return found;
}

/** Globs across the tree; most of them meet nobody who holds, the rest a few. */
function wideGlob(random: () => number, { folders }: Tree): string {
  const shapes = [
    "**/*.lua",
    "**/Makefile",
    `**/*${Math.floor(random() * 1_000)}.go`,
    `**/test${Math.floor(random() * 74)}/*.rs`,
    `**/nowhere${Math.floor(random() * 74)}/**`,
    `packages/*/nowhere/**`,
    `packages/p${Math.floor(random() * 120)}/**/*.java`,
    `**/gen/**/*.ts`,
    `**/test/*.ts`,
    "**/*.ts",
    `${pickFrom(random, folders)}/**/file?.ts`,
    `packages/*/src/file1*.ts`,
  ];
  return pickFrom(random, shapes);
}

function once(state: State, task: Task): void {
  if (!lookAtClaims(state, task).free) return;
  hold(state, task);
  release(state, task.id, 0);
}

function repeat(state: State, tasks: readonly Task[], times: number): void {
  for (let at = 0; at < times; at += 1) once(state, tasks[at % tasks.length] as Task);
}

/** Operations a second by the clock, and CPU time of each in µs, that of the garbage collector included. */
function throughput(
  state: State,
  tasks: readonly Task[],
  times: number,
): readonly [perSecond: number, cpuUs: number] {
  const began = performance.now();
  const before = process.cpuUsage();
  repeat(state, tasks, times);
  const { user, system } = process.cpuUsage(before);
  return [(times / (performance.now() - began)) * 1_000, (user + system) / times];
}

function latencies(
  name: string,
  state: State,
  tasks: readonly Task[],
  times: number,
): Record<string, number> {
  const found: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const task = tasks[at % tasks.length] as Task;
    const began = performance.now();
    once(state, task);
    found.push((performance.now() - began) * 1_000);
  }
  return {
    [`${name}_p50_us`]: percentile(found, 0.5),
    [`${name}_p99_us`]: percentile(found, 0.99),
    [`${name}_max_us`]: percentile(found, 1),
  };
}
