import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../sim/random.ts";
import { atOnce, startContender } from "./contender.ts";
import { overlap } from "./barrier.ts";
import type { Contender } from "./contender.ts";
import type { HammerReport } from "./report.ts";
import type { Raced } from "./racer.ts";

/**
 * Four supervisors start on one repository in the same moment, again and again: exactly one of them
 * takes the lock, and each time the epoch is higher. In between the holder lets go, or is killed.
 *
 * A trial counts only if all four were inside the call at once.
 */
export type StartsOptions = { readonly trials: number; readonly seed: number };

const supervisors = 4;
const killShare = 0.1;
/** So many trials more, for those that do not count. */
const moreTrials = 3;

export async function hammerStarts({ trials, seed }: StartsOptions): Promise<HammerReport> {
  const random = new Random(seed);
  const folder = mkdtempSync(join(tmpdir(), "hammer-"));
  const racers: Contender<Raced>[] = [];
  const figures = { trials: 0, met: 0, kills: 0, epoch: 0, call_ms_max: 0 };
  const violations: string[] = [];
  const join1 = (): Promise<Contender<Raced>> =>
    startContender(new URL("racer.ts", import.meta.url), [join(folder, "orchd")]);
  try {
    while (racers.length < supervisors) racers.push(await join1());
    while (figures.met < trials && figures.trials < moreTrials * trials) {
      figures.trials += 1;
      const raced = await atOnce(racers, "take");
      if (overlap(raced) === supervisors) figures.met += 1;
      violations.push(...wrongWith(raced, figures.epoch, figures.trials));
      for (const { epoch, start, end } of raced) {
        figures.epoch = Math.max(figures.epoch, epoch ?? 0);
        figures.call_ms_max = Math.max(figures.call_ms_max, Math.round(end - start));
      }
      for (const [at, racer] of racers.entries()) {
        if (raced[at]?.epoch === null) continue;
        if (random.chance(killShare)) {
          figures.kills += 1;
          await racer.kill();
          racers[at] = await join1();
        } else await racer.ask("release");
      }
    }
  } finally {
    for (const racer of racers) await racer[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  }
  if (figures.met < trials) violations.push(`only ${figures.met} trials in which all four met`);
  return { hammer: "starts", violations, figures };
}

function wrongWith(raced: readonly Raced[], epochBefore: number, trial: number): string[] {
  const holders = raced.filter(({ epoch }) => epoch !== null);
  const others = raced.filter(
    ({ epoch, refused }) => epoch === null && refused !== "already_running",
  );
  return [
    ...(holders.length === 1 ? [] : [`trial ${trial}: ${holders.length} holders`]),
    ...others.map(({ refused }) => `trial ${trial}: ${refused}`),
    ...holders
      .filter(({ epoch }) => (epoch ?? 0) <= epochBefore)
      .map(({ epoch }) => `trial ${trial}: epoch ${epoch} after ${epochBefore}`),
  ];
}
