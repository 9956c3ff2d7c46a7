import { writeFileSync } from "node:fs";
import Mocha from "mocha";

export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/**
 * mocha's own `spec` report, closed by one line that a machine reads: `12 passed, 0 failed`, and
 * `, 3 skipped` if there were any. With the option `counts=FILE` the line is left to scripts/test.ts,
 * which runs mocha several times, and the counts go to that file as JSON.
 */
export default class SpecWithTotals extends Mocha.reporters.Spec {
  readonly #file: string | undefined;

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const { counts } = (options.reporterOptions ?? {}) as { counts?: string };
    this.#file = counts;
  }

  override done(failures: number, end?: (failures: number) => void): void {
    const { passes, pending } = this.stats;
    const counts: Counts = { passed: passes, failed: failures, skipped: pending };
    if (this.#file === undefined) process.stdout.write(`${closingLine(counts)}\n`);
    else writeFileSync(this.#file, JSON.stringify(counts));
    end?.(failures);
  }
}

export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
