import { createInterface } from "node:readline";
import lockfile from "lockfile";
import { takeSupervisorLock } from "../../daemon/lease/supervisorLock.ts";
import { arrive, nowMs } from "./barrier.ts";
import type { SupervisorLock } from "../../daemon/lease/supervisorLock.ts";
import type { Span } from "./barrier.ts";

/**
 * `node racer.ts PLACE`, orders on standard input:
 *
 *     take MOMENT          takes the lock of the supervisor of the state folder PLACE
 *     naive MOMENT STALE   takes the file PLACE with the npm package `lockfile` and its `stale` option
 *     release              gives the supervisor's lock back
 *
 * The second is the positive control, and the one place where that option is used.
 */
export type Raced = Span & { readonly epoch: number | null; readonly refused: string | null };

const [place = ""] = process.argv.slice(2);
let held: SupervisorLock | null = null;

say({ ready: true });
for await (const line of createInterface(process.stdin)) {
  const [order, moment, staleMs] = line.split(" ");
  if (order === "release") say(release());
  else say(race(Number(moment), order === "naive" ? () => naive(Number(staleMs)) : take));
}

type Outcome = Pick<Raced, "epoch" | "refused">;

function race(moment: number, attempt: () => Outcome): Raced {
  arrive(moment);
  const start = nowMs();
  const outcome = attempt();
  return { start, end: nowMs(), ...outcome };
}

function take(): Outcome {
  const taken = takeSupervisorLock(place);
  if (!taken.ok) return { epoch: null, refused: taken.failure.code };
  held = taken.value;
  return { epoch: held.epoch, refused: null };
}

function naive(stale: number): Outcome {
  try {
    lockfile.lockSync(place, { stale });
    return { epoch: 0, refused: null };
  } catch (error) {
    return { epoch: null, refused: String(error) };
  }
}

function release(): object {
  held?.release();
  held = null;
  return {};
}

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
