import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kill, livingBelow, locksBelow, logsOf } from "./living.ts";

/** The killed are gone soon, and only then can their folder be removed. */
const sweeps = 500;
const sweepMs = 10;

/**
 * What a long run from the command line has around it: a temporary folder of its own, and an end.
 * Whatever hangs in it, after the limit it says what is to be seen, kills what it has started, and
 * exits with 1.
 */
export class LongRun {
  readonly #name: string;
  readonly #folder: string;

  /** Must come first: what is imported later may look for the temporary folder. */
  constructor(name: string) {
    this.#name = name;
    this.#folder = mkdtempSync(join(tmpdir(), `orchd-${name}-`));
    process.env["TMPDIR"] = this.#folder;
    process.env["NODE_COMPILE_CACHE"] ??= join(this.#folder, "node-compile-cache");
    process.env["ORCHD_TEST_RUN"] ??= `${name}-${process.pid}`;
    process.on("exit", () => rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 }));
  }

  /** Until what is answered is disposed of. `at`: what it was doing, asked at the end. */
  endAfter(limitMs: number, at: () => string = () => ""): Disposable {
    const timer = setTimeout(() => this.#giveUp(limitMs, at), limitMs).unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }

  #giveUp(limitMs: number, at: () => string): never {
    console.log(`BROKEN ${this.#name} is not over after ${Math.round(limitMs / 1000)} s\n${at()}`);
    const roots = readdirSync(this.#folder).filter((name) => name.startsWith("repo-"));
    for (const root of roots.map((name) => join(this.#folder, name))) {
      const dir = join(root, "repo");
      console.log(`locks:\n${locksBelow(root).join("\n")}\nlogs:\n${logsOf({ dir })}`);
    }
    for (let left = sweeps; left > 0 && this.#killLiving() > 0; left -= 1) sleepSync(sweepMs);
    process.exit(1);
  }

  #killLiving(): number {
    const pids = livingBelow(this.#folder);
    for (const pid of pids) kill(pid, "SIGKILL");
    return pids.length;
  }
}

/** Nothing else may go on here. */
function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
