import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { atOnce, startContender } from "./contender.ts";
import { overlap } from "./barrier.ts";
import type { HammerReport } from "./report.ts";
import type { Raced } from "./racer.ts";

/**
 * The positive control: the harness must see two owners where two are known to get in. Four
 * contenders meet a lock file whose owner died a while ago, with the `stale` option of `lockfile`.
 * More than one of them takes it in 4 to 15 of 100 such meetings. A harness that sees none in all of
 * its trials would see nothing of ours either, so that is the violation here.
 */
export type ControlOptions = { readonly trials: number; readonly untilSeen?: boolean };

const contenders = 4;
/** The file is older than this at the barrier, and whoever takes it is younger for all of the race. */
const staleMs = 60;

export async function hammerControl(options: ControlOptions): Promise<HammerReport> {
  const folder = mkdtempSync(join(tmpdir(), "hammer-"));
  const file = join(folder, "naive.lock");
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true }));
  const racers = [];
  for (let count = 0; count < contenders; count += 1)
    racers.push(
      stack.use(await startContender<Raced>(new URL("racer.ts", import.meta.url), [file])),
    );

  let trials = 0;
  let met = 0;
  let doubles = 0;
  while (trials < options.trials && !(options.untilSeen === true && doubles > 0)) {
    trials += 1;
    writeFileSync(file, "");
    await pause(staleMs + 5);
    const raced = await atOnce(racers, "naive", ` ${staleMs}`);
    if (overlap(raced) < 2) continue;
    met += 1;
    if (isDouble(raced)) doubles += 1;
  }
  const violations = doubles > 0 ? [] : [`no double owner seen in ${met} races: a blind harness`];
  return { hammer: "control", violations, figures: { trials, met, doubles } };
}

/** Two that took it, and the later one no later than the other's lock was fresh. */
function isDouble(raced: readonly Raced[]): boolean {
  const ends = raced.filter(({ epoch }) => epoch !== null).map(({ end }) => end);
  return ends.length > 1 && Math.max(...ends) - Math.min(...ends) < staleMs;
}
