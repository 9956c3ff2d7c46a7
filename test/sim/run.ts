import { Clients } from "./clients.ts";
import { drained } from "./timeline.ts";
import { drawScenario, scenarioHash, tasksMin } from "./scenario.ts";
import { Machine } from "./machine.ts";
import { strike } from "./storm.ts";
import { must, Violation } from "./violation.ts";
import type { FaultCounts } from "./faults.ts";

/**
 * One seed from its first event to its verdict:
 *
 *     storm    clients ask, workers work, things go wrong
 *     calm     nothing goes wrong any more, people tidy up after themselves: every task must end (L1)
 *     rest     the supervisor stops, perhaps not at the first try: nothing of it is left (S10), and the
 *              journal tells the same (S5)
 */
export type Verdict = {
  readonly seed: number;
  readonly aim: string | null;
  readonly scenario: string;
  readonly events: number;
  readonly faults: FaultCounts;
  /** Calls of the supervisor, by name → how often it died there. */
  readonly deathsAt: ReadonlyMap<string, number>;
  readonly landed: number;
  readonly tasks: number;
  readonly failure: { readonly rule: string; readonly message: string } | null;
  /** Filled when it was asked for. */
  readonly trace: readonly (readonly unknown[])[];
};

const calmMsMax = 2 * 3_600_000;
/** Long enough for what the last event asked for. */
const quietMs = 10_000;
const mendEveryMs = 2_000;
const eventsMax = 60_000;
export const eventsMin = 200;

export type RunOptions = {
  readonly trace?: boolean;
  /** A call of the supervisor: it dies there, once, whatever the seed brings besides. */
  readonly aim?: string | null;
};

export async function runSeed(seed: number, options: RunOptions = {}): Promise<Verdict> {
  const scenario = drawScenario(seed);
  const machine = new Machine(scenario, options);
  const clients = new Clients(machine);
  machine.onParked = (task) => clients.parked(task);
  let events = 0;
  let failure: Verdict["failure"] = null;

  const runUntil = async (done: () => boolean): Promise<boolean> => {
    while (!done()) {
      if (!machine.timeline.step()) return false;
      events += 1;
      await drained();
      machine.rethrow();
      machine.checker.catchUp();
      machine.supervisor?.check();
      must(events < eventsMax, "L1", () => "it goes round in circles");
    }
    return true;
  };

  const faultCount = (): number => Object.values(machine.counts).reduce((sum, n) => sum + n, 0);

  try {
    machine.boot();
    clients.begin();
    machine.holders.begin(clients);
    for (const { atMs, kind } of scenario.faults)
      machine.timeline.after(atMs, () => strike(machine, kind));
    let over = false;
    machine.timeline.after(scenario.stormMs, () => {
      over = true;
    });
    await runUntil(() => over);
    // Some faults find no occasion; one there must be.
    if (faultCount() === 0) strike(machine, "power_loss");
    machine.calm();
    const deadlineMs = machine.timeline.nowMs + calmMsMax;
    const tidy = (): void => {
      machine.tidyUp(clients);
      machine.timeline.after(mendEveryMs, tidy);
    };
    tidy();
    const settled = (): boolean =>
      clients.done &&
      machine.holders.open === 0 &&
      machine.allEnded(clients.submitted) &&
      machine.allPushed;
    do {
      await runUntil(() => settled() || machine.timeline.nowMs > deadlineMs);
      must(settled(), "L1", () => `not ended: ${machine.stillOpen(clients.submitted)}`);
      if (events < eventsMin) clients.submitMore(5);
    } while (!settled());
    const restMs = machine.timeline.nowMs + quietMs;
    await runUntil(() => machine.timeline.nowMs > restMs && machine.isQuiet);
    machine.checkAtRest(clients.submitted);
    if (machine.random.chance(0.1)) {
      const { epoch } = machine;
      machine.stopBadly();
      await runUntil(() => machine.epoch > epoch && machine.supervisor?.begun === true);
    }
    machine.stop();
    await runUntil(() => !machine.isUp);
    machine.checkStopped();
    checkWorth(events, clients.submitted.length, faultCount());
  } catch (error) {
    failure = failureOf(error);
  }
  return {
    seed,
    aim: options.aim ?? null,
    scenario: scenarioHash(scenario),
    events,
    faults: machine.counts,
    deathsAt: machine.deathsAt,
    landed: machine.repository.landings,
    tasks: clients.submitted.length,
    failure,
    trace: machine.trace,
  };
}

/** A run in which little happens shows nothing. */
function checkWorth(events: number, tasks: number, faults: number): void {
  must(events >= eventsMin, "bug", () => `only ${events} events happened`);
  must(tasks >= tasksMin, "bug", () => `only ${tasks} tasks were submitted`);
  must(faults > 0, "bug", () => "nothing went wrong");
}

function failureOf(error: unknown): Verdict["failure"] {
  if (error instanceof Violation) return { rule: error.rule, message: error.message };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { rule: "bug", message: text };
}
