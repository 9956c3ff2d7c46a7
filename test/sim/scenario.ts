import { causes } from "./faults.ts";
import { hash } from "node:crypto";
import { Random } from "./random.ts";
import type { CoreSettings } from "../../daemon/core/coreSettings.ts";
import type { FaultKind } from "./faults.ts";
import type { LoopLimits } from "../../daemon/loop.ts";

/**
 * Everything about a run that is not decided on the way: drawn from the seed as well (swarm testing,
 * https://doi.org/10.1145/2338965.2336763), since a run with every fault at once hides what a run with
 * two of them finds.
 */
export type Scenario = {
  readonly seed: number;
  readonly settings: CoreSettings;
  readonly limits: LoopLimits;
  /** Tasks that clients will submit. */
  readonly tasks: number;
  readonly stormMs: number;
  /** When what goes wrong on purpose; chance faults of messages come on top. */
  readonly faults: readonly { readonly atMs: number; readonly kind: FaultKind }[];
  /** Of each message: to be lost, doubled, late, … while the storm lasts. */
  readonly messageFaults: number;
  readonly claims: ClaimMix;
  readonly work: WorkMix;
  readonly staleAfterMs: number;
  /** Of an attempt, at most. */
  readonly attemptMsMax: number;
  /** Touched paths that a report names. */
  readonly touchedMax: number;
  readonly syncMsMax: number;
  readonly holds: HoldMix;
  /** Of the times that a rewind is settled: what landed is made again. */
  readonly reapply: number;
  /** Of the gate's workspace; absent: it is always there. */
  readonly setup?: SetupMix;
};

/** `outages`: of runs of the gate during the storm, those that find its workspace impossible to set up; `broken`: of changes, those with which setup fails. */
type SetupMix = { readonly outages: number; readonly broken: number };

/** Who else than tasks will hold claims. */
type HoldMix = {
  readonly locks: number;
  readonly files: number;
  /** Locks that a person will break, tasks' as well. */
  readonly breaks: number;
};

type ClaimMix = {
  readonly optimistic: number;
  readonly nothing: number;
  readonly everything: number;
  readonly resources: number;
};

type WorkMix = {
  readonly instant: number;
  readonly fails: number;
  readonly outside: number;
  readonly changesNothing: number;
  readonly red: number;
  readonly after: number;
  readonly delayed: number;
};

export const tasksMin = 20;

export const verifyCommand = ["npm", "test"] as const;
const lintCommand = ["npm", "run", "lint"] as const;
export const commands = [verifyCommand, lintCommand] as const;

export function drawScenario(seed: number): Scenario {
  const random = new Random(seed);
  const stormMs = random.logarithmic(20_000, 200_000);
  return {
    seed,
    settings: {
      ...drawSettings(random),
      ...drawChain(seed),
      ...drawPush(seed),
      ...drawGenerated(seed),
    },
    limits: {
      snapshotEvents: random.pick([5, 20, 100, 5_000]),
      finishedKeptMax: random.pick([0, 3, 10, 500]),
    },
    tasks: random.int(tasksMin, 45),
    stormMs,
    faults: drawFaults(random, stormMs),
    messageFaults: random.pick([0, 0.02, 0.1]),
    claims: {
      optimistic: random.pick([0, 0.2, 0.8]),
      nothing: random.pick([0, 0.1, 0.4]),
      everything: random.pick([0, 0.02, 0.15]),
      resources: random.pick([0, 0.2]),
    },
    work: {
      instant: random.pick([0, 0.15, 0.5]),
      fails: random.pick([0, 0.1, 0.3]),
      outside: random.pick([0, 0.2]),
      changesNothing: random.pick([0, 0.1]),
      red: random.pick([0, 0.05, 0.2]),
      after: random.pick([0, 0.15, 0.5]),
      delayed: random.pick([0, 0.1]),
    },
    staleAfterMs: random.pick([5_000, 20_000]),
    touchedMax: random.pick([1_000, 1_000, 1]),
    attemptMsMax: random.pick([500, 5_000, 40_000]),
    syncMsMax: random.pick([2, 10, 200]),
    ...drawOthers(seed),
    ...drawSetup(seed),
  };
}

/** Of a stream of its own, and nothing in most seeds: the others go on as they did. */
function drawSetup(seed: number): Pick<Scenario, "setup"> {
  const random = new Random(seed ^ 0x5e_70_93);
  if (random.chance(0.7)) return {};
  return { setup: { outages: random.pick([0, 0.2, 0.6]), broken: random.pick([0, 0.05, 0.2]) } };
}

/** Of a stream of its own, as the next; half of the seeds have none of it. */
function drawOthers(seed: number): Pick<Scenario, "holds" | "reapply"> {
  const random = new Random(seed ^ 0x07_4e_26);
  if (random.chance(0.5)) return { holds: { locks: 0, files: 0, breaks: 0 }, reapply: 0 };
  const count = (max: number): number => (random.chance(0.6) ? random.int(1, max) : 0);
  return {
    holds: { locks: count(25), files: count(6), breaks: count(8) },
    reapply: random.pick([0, 0.5, 1]),
  };
}

/** Of a stream of its own, so that what older seeds drew stays. */
function drawChain(seed: number): Pick<CoreSettings, "gate" | "chainMax"> {
  const random = new Random(seed ^ 0x0c_4a_11);
  return {
    gate: random.pick(["chain", "chain", "chain", "each"]),
    chainMax: random.pick([2, 3, 8, 16]),
  };
}

/** The same; absent, as in the journals of before, in the seeds that do without. */
function drawPush(seed: number): Pick<CoreSettings, "push"> {
  const random = new Random(seed ^ 0x70_05_4d);
  return random.chance(0.3) ? { push: { remote: "origin", branch: "main" } } : {};
}

const makeCommand = ["make", "files"] as const;

/** Of a stream of its own as well, and nothing at all in half of the runs. */
function drawGenerated(seed: number): Pick<CoreSettings, "generated"> {
  const random = new Random(seed ^ 0x6e_4e_71);
  const paths = random.pick([null, null, ["docs/*"], ["lib/a.ts", "**/e.ts"]]);
  return paths === null ? {} : { generated: [{ paths, run: makeCommand, timeoutMs: 60_000 }] };
}

function drawSettings(random: Random): Omit<CoreSettings, "gate" | "chainMax"> {
  return {
    slots: random.int(1, 6),
    follow: random.pick(["auto", "auto", "manual", "off"]),
    target: "main",
    verify: random.pick([[], [verifyCommand], [verifyCommand, lintCommand]]),
    verifyTimeoutMs: 60_000,
    outsideClaims: random.pick(["extend", "extend", "fail", "allow"]),
    resources: random.pick([{}, { db: 2 }]),
    fairnessWindowMs: random.pick([1_000, 10_000, 600_000]),
    tasksOpenMax: 1_000,
  };
}

/** From a subset of the kinds, so that each run has a character of its own. */
function drawFaults(random: Random, stormMs: number): Scenario["faults"] {
  const kinds = random.some(causes, random.int(1, 8));
  return Array.from({ length: random.int(2, 12) }, () => ({
    atMs: random.int(0, stormMs),
    kind: random.pick(kinds),
  }));
}

/** Two runs of a seed with the same hash drew the same; it changes with whatever changes the drawing. */
export function scenarioHash(scenario: Scenario): string {
  return hash("sha256", JSON.stringify(scenario), "hex").slice(0, 12);
}
