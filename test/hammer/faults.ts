import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Random } from "../sim/random.ts";
import type { TestRepository } from "../helpers/repository.ts";

/**
 * What happens to who holds a lock, at which of all the grants: drawn beforehand, so that a short run has
 * its share of everything.
 *
 *     kill   SIGKILL, in the middle of the hold
 *     hang   SIGSTOP, for good: taken for hung after stale_after
 *     wake   SIGSTOP until about then: either still the holder, or ended; nothing in between
 *     nap    SIGSTOP for less than stale_after: nothing may come of it
 *     crash  SIGKILL of the supervisor, and a new one: holds survive that, and so do those who wait
 */
export type Fault = "kill" | "hang" | "wake" | "nap" | "crash";
export type FaultCounts = Readonly<Record<Fault, number>>;

export const noFaults: FaultCounts = { kill: 0, hang: 0, wake: 0, nap: 0, crash: 0 };

/** Which grant meets which fault; none among the last tenth, so that all are reached. */
export function drawFaults(
  random: Random,
  grants: number,
  counts: FaultCounts,
): Map<number, Fault> {
  const wanted = (Object.entries(counts) as [Fault, number][]).flatMap(([fault, count]) =>
    Array.from({ length: count }, () => fault),
  );
  const plan = new Map<number, Fault>();
  const last = Math.floor(grants * 0.7);
  if (wanted.length > last / 2) throw new Error("more faults than grants can take");
  for (const fault of wanted) {
    let at = random.int(1, last);
    while (plan.has(at)) at = random.int(1, last);
    plan.set(at, fault);
  }
  return plan;
}

/** A wall clock that jumps, for those who are started with `env`: libfaketime reads the file. */
export type WallClock = {
  readonly env: Readonly<Record<string, string>>;
  readonly jump: (random: Random) => void;
};

const libraries = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
  "/usr/lib64/faketime/libfaketimeMT.so.1",
];
const offsets = ["+1h", "-1h", "+30d", "-30d", "+10y", "-10y", "+2", "-2", "+0"];

/** `null`: there is no libfaketime here. */
export function jumpingClock({ dir }: TestRepository): WallClock | null {
  const library = libraries.find((path) => existsSync(path));
  if (library === undefined) return null;
  const file = join(dirname(dir), "offset");
  writeFileSync(file, "+0\n");
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    jump: (random) => writeFileSync(file, `${random.pick(offsets)}\n`),
  };
}
