import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createLanding } from "../../daemon/landing/landing.ts";
import type { Landing } from "../../daemon/landing/landing.ts";
import { mintTaskId } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import { diskFigures, percentile, rounded } from "./figures.ts";
import { makeLargeRepository } from "./largeRepository.ts";
import type { LargeRepository } from "./largeRepository.ts";
import { wholeLandings } from "./wholeLanding.ts";

/**
 * One-file changes made from one base, landed one after the other without a gate, in a repository of
 * 5,000 files and one of 50,000; times in ms:
 *
 *     own        the writer's path: merge, candidate written and pinned, branch moved
 *     squash     `git merge --squash` and `git commit` in a worktree, right beside each of them
 *     pick       `git cherry-pick` in the same worktree
 *     batch8     eight of `own`
 *     whole      landing of tasks by a running supervisor, with its three journal commits
 *
 * `kept_…` is the same with a git of 2.49 or newer, which answers merges without being started for
 * each: that on the path, or the one in the folder that `ORCHD_BENCH_GIT` names; else `skipped`.
 */
const rounds = 40;
/** After each landing its writer starts the git for the next one: in nobody's time. */
const quietMs = 30;
const batch = 8;
const batches = 5;
const sizes = { k5: 5_000, k50: 50_000 } as const;

type Figures = Record<string, number>;

export async function benchLanding(): Promise<Record<string, number | string>> {
  const small = await measure(sizes.k5, true);
  const large = await measure(sizes.k50, false);
  const ratios = {
    own_k50_to_k5: ratio(large, small, "own_p50"),
    ...against(small, "k5"),
    ...against(large, "k50"),
  };
  return {
    ...rounded({ ...named(small, "k5"), ...named(large, "k50"), ...ratios }),
    ...(await keptFigures()),
  };
}

async function measure(files: number, whole: boolean): Promise<Figures> {
  await using repository = await makeLargeRepository(files, 2 * rounds + batch * batches);
  const { works } = repository;
  const figures = await compared(repository, works.slice(0, 2 * rounds));
  const batch8 = await batchTimes(repository, works.slice(2 * rounds));
  return {
    ...figures,
    batch8_p50: percentile(batch8, 0.5),
    ...(whole ? await wholeLandings(files) : {}),
    ...diskFigures(repository.folder),
  };
}

/** `own` takes the first half of the works, `squash` and `pick` every second of all. */
async function compared(repository: LargeRepository, works: readonly Oid[]): Promise<Figures> {
  const worktree = join(repository.folder, "worktree");
  await repository.git(["worktree", "add", "--quiet", "--detach", worktree, "main"]);
  const landing = await prepared(repository);
  const times = { own: [] as number[], squash: [] as number[], pick: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    const [mine, one, other] = [works[round], works[2 * round], works[2 * round + 1]];
    if (mine === undefined || one === undefined || other === undefined) break;
    times.own.push(await timed(() => land(landing, repository.base, mine)));
    await pause(quietMs);
    times.squash.push(await timed(() => squash(repository, worktree, one)));
    times.pick.push(await timed(() => repository.git(["cherry-pick", other], worktree)));
  }
  await landing.close();
  const figures = Object.entries(times).flatMap(([name, values]) => [
    [`${name}_p50`, percentile(values, 0.5)] as const,
    [`${name}_p95`, percentile(values, 0.95)] as const,
  ]);
  return { ...Object.fromEntries(figures), own_first: times.own[0] ?? Number.NaN };
}

async function squash(repository: LargeRepository, worktree: string, work: Oid): Promise<void> {
  await repository.git(["merge", "--quiet", "--squash", work], worktree);
  await repository.git(["commit", "--quiet", "--message", "squashed"], worktree);
}

async function batchTimes(repository: LargeRepository, works: readonly Oid[]): Promise<number[]> {
  const landing = await prepared(repository);
  const times: number[] = [];
  for (let from = 0; from < works.length; from += batch)
    times.push(
      await timed(async () => {
        for (const work of works.slice(from, from + batch))
          await land(landing, repository.base, work);
      }),
    );
  await landing.close();
  return times;
}

export async function prepared({ gitDir, dir }: LargeRepository): Promise<Landing> {
  const landing = createLanding({ gitDir, workTree: dir, target: "main", epoch: 1 });
  const start = await landing.prepare();
  if (start.kind !== "ready") throw new Error(JSON.stringify(start));
  return landing;
}

export async function land(landing: Landing, base: Oid, saved: Oid): Promise<void> {
  const task = mintTaskId();
  const fixed = { attempt: 1, author: null, trailers: {}, at_ms: Date.now() };
  const merged = await landing.merge({ task, saved, base, message: `Do ${task}`, ...fixed });
  if (merged.kind !== "candidate") throw new Error(JSON.stringify(merged));
  const moved = await landing.move({ task, candidate: merged.candidate, onto: merged.onto });
  if (moved.kind !== "moved") throw new Error(JSON.stringify(moved));
}

async function keptFigures(): Promise<Record<string, number | string>> {
  const path = process.env["PATH"] ?? "";
  const newer = process.env["ORCHD_BENCH_GIT"];
  if (newer !== undefined) process.env["PATH"] = `${newer}:${path}`;
  try {
    await using small = await makeLargeRepository(sizes.k5, rounds + batch * batches);
    const version = await small.git(["version"]);
    const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version)?.slice(1) ?? []).map(Number);
    if (major < 2 || (major === 2 && minor < 49)) return { kept: `skipped: ${version}` };
    const own = await ownTimes(small);
    const batch8 = await batchTimes(small, small.works.slice(rounds));
    await using large = await makeLargeRepository(sizes.k50, rounds);
    const ownLarge = await ownTimes(large);
    return {
      kept: version,
      ...rounded({
        kept_own_p50_k5: percentile(own, 0.5),
        kept_own_p95_k5: percentile(own, 0.95),
        kept_own_p50_k50: percentile(ownLarge, 0.5),
        kept_batch8_p50_k5: percentile(batch8, 0.5),
      }),
    };
  } finally {
    process.env["PATH"] = path;
  }
}

async function ownTimes(repository: LargeRepository): Promise<number[]> {
  const landing = await prepared(repository);
  const times: number[] = [];
  for (const work of repository.works.slice(0, rounds))
    times.push(await timed(() => land(landing, repository.base, work)));
  await landing.close();
  return times;
}

export async function timed(step: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await step();
  return performance.now() - begun;
}

function ratio(a: Figures, b: Figures, name: string): number {
  return (a[name] ?? Number.NaN) / (b[name] ?? Number.NaN);
}

function against(figures: Figures, size: string): Figures {
  const own = figures["own_p50"] ?? Number.NaN;
  return {
    [`squash_to_own_${size}`]: (figures["squash_p50"] ?? Number.NaN) / own,
    [`pick_to_own_${size}`]: (figures["pick_p50"] ?? Number.NaN) / own,
  };
}

function named(figures: Figures, size: string): Figures {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [`${name}_${size}`, value]),
  );
}
