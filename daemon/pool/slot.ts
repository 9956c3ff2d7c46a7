import { randomBytes, timingSafeEqual } from "node:crypto";
import { adoptWorkerProcess, startWorkerProcess } from "./process.ts";
import { identityOf, judge } from "../../system/processIdentity.ts";
import { readRecord, writeRecord } from "./record.ts";
import type { Heartbeat, WorkerHello } from "../../ipc/workerMessages.ts";
import type { Peer } from "../../ipc/peer.ts";
import type { WorkerId } from "../../ipc/ids.ts";
import type { WorkerProcess } from "./process.ts";

/**
 * One place for a worker, and the process in it:
 *
 *     empty ─open─► starting ─dials in─► connected ◄─dials in again─┐
 *       ▲             │                     │  └─connection lost──► cut off
 *       │             └────── its process is gone ──────────────────┘
 *       └── again after a pause that doubles while workers die young
 *
 * `cut off` also is where a worker starts that an earlier supervisor left running.
 */
export type SlotState = "empty" | "starting" | "connected" | "cut off";

export type SlotOptions = {
  readonly worker: WorkerId;
  readonly epoch: number;
  readonly folder: string;
  readonly stateDir: string;
  readonly logs: string;
  readonly entry: string;
  readonly path: string;
  readonly onGone: (worker: WorkerId) => void;
  readonly onProblem: (worker: WorkerId, message: string) => void;
};

const restartPauseMs = { first: 100, longest: 30_000 };
/** A worker that lived this long was healthy: the next pause is the shortest again. */
const healthyMs = 10_000;

export class Slot {
  state: SlotState = "empty";
  since = Date.now();
  peer: Peer | null = null;
  /** Whoever assigns knows of this connection. */
  isKnown = false;
  /** Its process is written down: the next supervisor will know it, and what it was given. */
  isRecorded = false;
  /** It is known whether a worker was there. */
  isOpen = false;
  heartbeat: Heartbeat | null = null;
  heartbeatAt: number = performance.now();
  readonly #options: SlotOptions;
  #process: WorkerProcess | null = null;
  #token = "";
  #pauseMs = restartPauseMs.first;
  #restart: NodeJS.Timeout | null = null;
  #starting: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  get worker(): WorkerId {
    return this.#options.worker;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Takes over the worker that is there. False: none is, and `launch` has something to start. */
  async open(): Promise<boolean> {
    const record = await readRecord(this.#options.stateDir, this.worker);
    this.isOpen = true;
    if (record === null || judge(record.identity) !== "alive") return false;
    this.#token = record.token;
    this.isRecorded = true;
    this.#enter("cut off");
    this.#watch(adoptWorkerProcess(record.identity));
    return true;
  }

  /** Starts a process if there is none, nor will be soon. */
  launch(): void {
    if (this.state === "empty" && this.#restart === null) void this.#startOne();
  }

  /** Is this the worker that belongs here? */
  knows(hello: WorkerHello): boolean {
    const given = Buffer.from(hello.token);
    const expected = Buffer.from(this.#token);
    return (
      expected.length > 0 && given.length === expected.length && timingSafeEqual(given, expected)
    );
  }

  attach(peer: Peer): void {
    this.peer?.close();
    this.peer = peer;
    this.isKnown = false;
    this.heartbeatAt = performance.now();
    this.#enter("connected");
  }

  introduce(peer: Peer): void {
    if (this.peer === peer) this.isKnown = true;
  }

  detach(peer: Peer): void {
    if (this.peer !== peer) return;
    this.peer = null;
    if (this.state === "connected") this.#enter("cut off");
  }

  note(heartbeat: Heartbeat): void {
    this.heartbeat = heartbeat;
    this.heartbeatAt = performance.now();
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#process?.kill(signal);
  }

  /** No new process from now on. Resolves when the present one is gone. */
  async close(): Promise<void> {
    this.abandon();
    await this.#starting;
    await this.#process?.gone;
  }

  /** Leaves the process to the next supervisor. */
  abandon(): void {
    this.#closed = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
  }

  #startOne(): Promise<void> {
    this.#starting = this.#closed ? Promise.resolve() : this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    this.#token = randomBytes(24).toString("base64url");
    this.isRecorded = false;
    // A process that has just been started is not judged by the silence of the one before.
    this.heartbeatAt = performance.now();
    this.#enter("starting");
    const { onProblem, epoch, stateDir } = this.#options;
    try {
      const started = await startWorkerProcess({ ...this.#options, token: this.#token });
      this.#watch(started);
      // Closed while it was being started: nobody has told this one to end.
      if (this.#closed) started.kill("SIGTERM");
      const identity = identityOf(started.pid);
      if (identity === undefined) return;
      await writeRecord(stateDir, { worker: this.worker, token: this.#token, epoch, identity });
      this.isRecorded = true;
    } catch (error) {
      onProblem(this.worker, error instanceof Error ? error.message : String(error));
      // One that runs but could not be written down must not stay: the next would be its twin.
      if (this.#process === null) this.#startLater();
      else this.kill("SIGKILL");
    }
  }

  #watch(worker: WorkerProcess): void {
    const startedAt = performance.now();
    this.#process = worker;
    void worker.gone.then(() => {
      if (this.#process !== worker) return;
      this.#process = null;
      this.peer?.close();
      this.peer = null;
      this.heartbeat = null;
      this.#enter("empty");
      if (performance.now() - startedAt > healthyMs) this.#pauseMs = restartPauseMs.first;
      this.#options.onGone(this.worker);
      this.#startLater();
    });
  }

  #startLater(): void {
    if (this.#closed) return;
    this.#restart = setTimeout(() => void this.#startOne(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, restartPauseMs.longest);
  }

  #enter(state: SlotState): void {
    this.state = state;
    this.since = Date.now();
  }
}
