import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Verdict } from "./run.ts";

/**
 * Seeds that once found something, each in a file of its own in `regressions/`. A seed means the same
 * only as long as the same is drawn from it: `scenario` tells whether it still does. When it does not,
 * the file has had its time, and the bug must have a test of another kind.
 */
export type Regression = {
  readonly seed: number;
  /** The call at which the supervisor was made to die besides; absent: none. */
  readonly aim?: string;
  readonly scenario: string;
  /** The rule that it broke. */
  readonly rule: string;
  /** What was wrong: the name of the bug in bugs.ts if it can be planted again, else what was seen. */
  readonly why: string;
};

const folder = new URL("./regressions/", import.meta.url);

export function regressions(): Regression[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .toSorted()
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Regression);
}

/** Writes down a seed that fails; returns the file. `why` starts as what was seen, and is for people to correct. */
export function keepRegression({ seed, aim, scenario, failure }: Verdict): string | null {
  if (failure === null) return null;
  const why = failure.message.split("\n")[0] ?? "";
  const aimed = aim === null ? {} : { aim };
  const regression: Regression = { seed, ...aimed, scenario, rule: failure.rule, why };
  mkdirSync(folder, { recursive: true });
  const file = `test/sim/regressions/${seed}.json`;
  writeFileSync(new URL(`${seed}.json`, folder), `${JSON.stringify(regression, null, 2)}\n`);
  return file;
}
