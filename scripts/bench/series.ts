import { readFileSync } from "node:fs";
import { percentile } from "./figures.ts";

/** What a step took each time, in ms by the clock, and in CPU of git. */
export class Series {
  readonly #times: number[] = [];
  #cpu = 0;

  async time(step: () => Promise<unknown>): Promise<void> {
    const cpu = cpuOfChildren();
    const begun = performance.now();
    await step();
    this.#times.push(performance.now() - begun);
    this.#cpu += cpuOfChildren() - cpu;
  }

  p50 = (): number => percentile(this.#times, 0.5);
  p100 = (): number => Math.max(...this.#times);
  cpu = (): number => this.#cpu / this.#times.length;
}

const tickMs = 10;

/** Of all children that have ended, user and system, in ms; 0 where there is no `/proc`. */
function cpuOfChildren(): number {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[13]) + Number(fields[14])) * tickMs;
  } catch {
    return 0;
  }
}
