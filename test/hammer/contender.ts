import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { nowMs } from "./barrier.ts";
import type { ChildProcess } from "node:child_process";

/**
 * A process of the harness: a program of this folder that says a line when it is ready (it has loaded
 * everything), then answers each line on its standard input by one line of JSON, and ends with it.
 */
export class Contender<Said> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<unknown>;
  #first: Said | null = null;

  /** Use `startContender`. */
  constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, "exit");
    if (child.stdout === null) throw new Error("a contender without standard output");
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ask(order: string): Promise<Said> {
    const said = await this.askOrEnd(order);
    if (said === null) throw new Error(`contender ${this.pid} ended instead of an answer`);
    return said;
  }

  /** `null`: it ended without one. */
  async askOrEnd(order: string): Promise<Said | null> {
    this.#child.stdin?.write(`${order}\n`);
    return await this.#said();
  }

  async ready(): Promise<this> {
    this.#first = await this.#said();
    return this;
  }

  /** What it said when it was ready. */
  get first(): Said {
    if (this.#first === null) throw new Error(`contender ${this.pid} did not become ready`);
    return this.#first;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
  }

  async #said(): Promise<Said | null> {
    const line = await this.#lines.next();
    return line.done === true ? null : (JSON.parse(line.value) as Said);
  }
}

/** Resolves when it is ready. `program`: a file of this folder. */
export async function startContender<Said>(
  program: URL,
  args: readonly string[],
): Promise<Contender<Said>> {
  const child = spawn(process.execPath, [fileURLToPath(program), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  // It may be killed while it is told something.
  child.stdin?.on("error", () => {});
  return await new Contender<Said>(child).ready();
}

/** Gives all of them the same order for the same moment; their answers, in order. `more`: words after it. */
export async function atOnce<Said>(
  contenders: readonly Contender<Said>[],
  order: string,
  more = "",
): Promise<Said[]> {
  const moment = nowMs() + headStartMs;
  return await Promise.all(contenders.map((one) => one.ask(`${order} ${moment}${more}`)));
}

/** Until then all have read the order and sleep. */
const headStartMs = 5;
