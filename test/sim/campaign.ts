import { faultKinds, noFaults } from "./faults.ts";
import { runSeed } from "./run.ts";
import type { FaultCounts } from "./faults.ts";
import type { Verdict } from "./run.ts";

/** Many seeds, one after the other, and whether they were worth anything. */
export type Campaign = {
  readonly first: number;
  readonly seeds: number;
  readonly events: number;
  /** Of the seed in which the least happened. */
  readonly eventsLeast: number;
  readonly tasks: number;
  readonly landed: number;
  readonly faults: FaultCounts;
  /** Calls between a supervisor and its world, by name → how often one died there. */
  readonly deathsAt: ReadonlyMap<string, number>;
  readonly elapsedMs: number;
  /** Of one core; less than what elapsed when others take their share. */
  readonly cpuMs: number;
  readonly failed: readonly Verdict[];
};

/** From this many seeds on, every kind of fault must have fired. */
export const representativeSeeds = 300;
/** From this many on, a supervisor must have died at every call it makes or gets. */
export const exhaustiveSeeds = 3_000;
/** How many seeds are tried to have one die at a call that chance left out. */
const aimedSeedsMax = 1_000;
const failuresMax = 5;

/**
 * From `first` on while `more` says so. Stops early when it has seen enough go wrong. Whether a rare
 * call was a place of death is not left to chance: those that were not are aimed at in the end.
 */
export async function campaign(first: number, more: (seeds: number) => boolean): Promise<Campaign> {
  const [begunMs, cpuBefore] = [performance.now(), process.cpuUsage()];
  const faults = noFaults();
  const deathsAt = new Map<string, number>();
  const failed: Verdict[] = [];
  let [seeds, events, eventsLeast, tasks, landed] = [0, 0, Infinity, 0, 0];
  const count = (verdict: Verdict): void => {
    events += verdict.events;
    eventsLeast = Math.min(eventsLeast, verdict.events);
    tasks += verdict.tasks;
    landed += verdict.landed;
    for (const kind of faultKinds) faults[kind] += verdict.faults[kind];
    for (const [call, deaths] of verdict.deathsAt)
      deathsAt.set(call, (deathsAt.get(call) ?? 0) + deaths);
    if (verdict.failure !== null) failed.push(verdict);
  };
  while (more(seeds) && failed.length < failuresMax) {
    count(await runSeed(first + seeds));
    seeds += 1;
  }
  for (const aim of seeds < exhaustiveSeeds ? [] : survivedIn(deathsAt))
    for (let at = 0; deathsAt.get(aim) === 0 && at < aimedSeedsMax; at += 1)
      count(await runSeed(first + at, { aim }));
  const elapsedMs = performance.now() - begunMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = (user + system) / 1_000;
  const counts = { events, eventsLeast, tasks, landed, faults, deathsAt };
  return { first, seeds, ...counts, elapsedMs, cpuMs, failed };
}

/** Why the campaign proves less than it seems to; empty when it does not. */
export function vacuous({ seeds, landed, faults, deathsAt }: Campaign): string[] {
  const missing = faultKinds.filter((kind) => faults[kind] === 0);
  return [
    ...(landed < seeds ? [`only ${landed} landings in ${seeds} seeds`] : []),
    ...(seeds < representativeSeeds ? [] : missing.map((kind) => `${kind} never fired`)),
    ...(seeds < exhaustiveSeeds
      ? []
      : survivedIn(deathsAt).map((call) => `no supervisor died at "${call}"`)),
  ];
}

/** Calls at which no supervisor has died yet. */
function survivedIn(deathsAt: Campaign["deathsAt"]): string[] {
  return [...deathsAt].flatMap(([call, deaths]) => (deaths === 0 ? [call] : []));
}

/** What to type to see it again. */
export function replayCommand({ seed, aim = null }: Replayed): string {
  return `npm run sim -- --seed ${seed}${aim === null ? "" : ` --aim "${aim}"`}`;
}

type Replayed = Pick<Verdict, "seed"> & Partial<Pick<Verdict, "aim">>;
