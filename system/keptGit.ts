import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { GitError, gitCommand } from "./git.ts";
import type { GitOptions, GitPlace } from "./git.ts";

/**
 * A git that is started once and answers many questions, for commands that read them from standard
 * input: starting a git costs more than most of what the writer wants of it.
 *
 *     none ──ask──► asked ──answer──► idle ──ask──► asked …
 *       ▲             │                │
 *       └── it ended, or took too long ┴─ nobody asked for `idleMs`, or close()
 *
 * Only commands whose answer tells that the work is done, and that flush it at once, can be kept:
 * `update-ref --stdin` (`commit: ok`), `hash-object --stdin-paths`, `merge-tree --stdin` of git 2.49.
 * One that answers at the end of its input (`merge-tree --stdin` before) is asked once
 * (`answersAtEnd`); who calls `ready` in a quiet moment has the next question find one that runs.
 * What git reads but once (configuration, attributes) is seen late by one that is never idle: with `ageMsMax`
 * another takes its place between two questions.
 * It dies with this process: its standard input ends then. Idle, it keeps nothing alive here.
 */
export type KeptOptions = Pick<GitOptions, "config" | "env"> & {
  /** It ends by itself when nobody asked for so long: what it has mapped and open is given back. */
  readonly idleMs?: number;
  readonly answerMsMax?: number;
  /** An older one is asked nothing more; absent: however old it is. */
  readonly ageMsMax?: number;
  readonly answersAtEnd?: boolean;
};

/** The length of the answer that this text begins with, one character a byte; `null`: not all of it is there. */
export type AnswerEnd = (text: string) => number | null;

const idleMsDefault = 2_000;
const answerMsMaxDefault = 60_000;
const endMsMax = 5_000;
const stderrBytesMax = 8 * 1024;

export class KeptGit {
  readonly #place: GitPlace;
  readonly #args: readonly string[];
  readonly #options: KeptOptions;
  #child: Child | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | null = null;
  /** The start that `ready` asked for. */
  #next: NodeJS.Immediate | null = null;
  /** Resolves when those that answered at their end, or were too old, are gone. */
  #leaving: Promise<unknown> = Promise.resolve();

  constructor(place: GitPlace, args: readonly string[], options: KeptOptions = {}) {
    this.#place = place;
    this.#args = args;
    this.#options = options;
  }

  /**
   * Writes `question` and resolves with its answer, as `latin1`. Questions wait for each other.
   * Rejects with a `GitError` when git ends instead, or does not answer in time; the next question
   * then starts a new one.
   */
  ask(question: string, answerEnd: AnswerEnd): Promise<string> {
    const answer = this.#last.then(() => this.#askNow(question, answerEnd));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Starts one, if none runs, as soon as whoever calls has gone on: the next question does not wait for that. */
  ready(): void {
    if (this.#next !== null) return;
    this.#next = setImmediate(() => {
      this.#next = null;
      try {
        this.#running();
      } catch {
        // No memory for another process now. Whoever asks starts one, or hears why there is none.
      }
      this.#endWhenIdle();
    });
  }

  /** Ends it, after the question under way; it may be asked again. Resolves when it is gone. */
  async close(): Promise<void> {
    await this.#last;
    await this.#end();
  }

  async #askNow(question: string, answerEnd: AnswerEnd): Promise<string> {
    const { answerMsMax = answerMsMaxDefault } = this.#options;
    this.#stopWaiting();
    const child = this.#running();
    try {
      const answer = await child.ask(question, answerEnd, answerMsMax);
      if (this.#options.answersAtEnd === true) this.#leave(child);
      return answer;
    } finally {
      this.#endWhenIdle();
    }
  }

  #running(): Child {
    const { ageMsMax = Infinity } = this.#options;
    if (this.#child !== null && this.#child.isIdle && this.#child.ageMs > ageMsMax)
      this.#leave(this.#child);
    if (this.#child === null || this.#child.hasEnded)
      this.#child = new Child(this.#place, this.#args, this.#options);
    return this.#child;
  }

  #leave(child: Child): void {
    this.#child = null;
    // Each would else keep the list of those before it.
    this.#leaving = Promise.all([this.#leaving, child.end()]).then(() => undefined);
  }

  #endWhenIdle(): void {
    this.#stopWaiting();
    const { idleMs = idleMsDefault } = this.#options;
    this.#idle = setTimeout(() => void this.#end(), idleMs).unref();
  }

  /** Neither for its idle time to pass nor for the turn in which the next one starts. */
  #stopWaiting(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    if (this.#next !== null) clearImmediate(this.#next);
    this.#next = null;
  }

  async #end(): Promise<void> {
    this.#stopWaiting();
    const child = this.#child;
    this.#child = null;
    await Promise.all([child?.end(), this.#leaving]);
  }
}

type Question = {
  readonly answerEnd: AnswerEnd;
  readonly resolve: (answer: string) => void;
  readonly reject: (reason: GitError) => void;
};

/** One process. Asked one question at a time; what it says unasked makes its next answer doubtful, so it is killed. */
class Child {
  readonly #args: readonly string[];
  readonly #process: ChildProcess;
  readonly #answersAtEnd: boolean;
  readonly #startedAt = performance.now();
  readonly #gone = Promise.withResolvers<void>();
  #question: Question | null = null;
  #stdout = "";
  #stderr = "";
  #problem: string | null = null;
  hasEnded = false;

  constructor(place: GitPlace, args: readonly string[], options: KeptOptions) {
    const command = gitCommand(place, args, options);
    this.#args = args;
    this.#answersAtEnd = options.answersAtEnd ?? false;
    this.#process = spawn("git", command.args, { env: command.env, cwd: command.cwd });
    const { stdin, stdout, stderr } = this.#process;
    this.#process.on("error", (error) => {
      this.#problem = `git could not be started (${error.message})`;
      this.#ended(null, null);
    });
    this.#process.on("close", (code, signal) => this.#ended(code, signal));
    // Writing to one that has ended; its end is what is reported.
    stdin?.on("error", () => {});
    stdout?.on("data", (chunk: Buffer) => this.#said(chunk.toString("latin1")));
    stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = `${this.#stderr}${chunk.toString("utf8")}`.slice(-stderrBytesMax);
    });
    this.#keepAlive(false);
  }

  get ageMs(): number {
    return performance.now() - this.#startedAt;
  }

  get isIdle(): boolean {
    return this.#question === null;
  }

  async ask(text: string, answerEnd: AnswerEnd, msMax: number): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#question = { answerEnd, resolve, reject };
    this.#keepAlive(true);
    const late = this.#killAfter(msMax);
    if (this.#answersAtEnd) this.#process.stdin?.end(text);
    else this.#process.stdin?.write(text);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#keepAlive(false);
    }
  }

  async end(): Promise<void> {
    this.#keepAlive(true);
    const late = this.#killAfter(endMsMax);
    this.#process.stdin?.end();
    await this.#gone.promise;
    clearTimeout(late);
  }

  #killAfter(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#kill("git did not answer in time"), ms);
  }

  #kill(problem: string): void {
    this.#problem = problem;
    this.hasEnded = true;
    this.#process.kill("SIGKILL");
  }

  #said(text: string): void {
    this.#stdout += text;
    const question = this.#question;
    if (question === null) return this.#kill("git said something unasked");
    const length = question.answerEnd(this.#stdout);
    if (length === null) return;
    this.#question = null;
    question.resolve(this.#stdout.slice(0, length));
    this.#stdout = this.#stdout.slice(length);
    if (this.#stdout !== "") this.#kill("git said more than it was asked");
  }

  #ended(code: number | null, signal: string | null): void {
    const silent = this.#stderr === "" ? "git ended without an answer" : null;
    const problem = this.#problem ?? silent;
    this.hasEnded = true;
    const end = { code, signal, stdout: "", stderr: this.#stderr, problem };
    this.#question?.reject(new GitError(this.#args, end));
    this.#question = null;
    this.#gone.resolve();
  }

  /** Whether this process waits for the child before it ends by itself. */
  #keepAlive(alive: boolean): void {
    const { stdin, stdout, stderr } = this.#process;
    const turn = alive ? "ref" : "unref";
    this.#process[turn]();
    // They are pipes, which Node represents as sockets.
    for (const stream of [stdin, stdout, stderr]) (stream as Socket | null)?.[turn]();
  }
}
