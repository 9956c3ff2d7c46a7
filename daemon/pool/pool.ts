import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fail, failure, ok } from "../../ipc/errors.ts";
import { readHeartbeat, readReports } from "../../ipc/reports.ts";
import { attemptLogName, readStoredReports } from "../../system/attemptLines.ts";
import { livingWorkers } from "./record.ts";
import { Slot } from "./slot.ts";
import { workerId } from "../../ipc/ids.ts";
import type {
  Assignment,
  AttemptKey,
  Cancellation,
  Heartbeat,
  Report,
  ReportKey,
  WorkerHello,
  WorkerSettings,
} from "../../ipc/workerMessages.ts";
import type { Peer } from "../../ipc/peer.ts";
import type { Failure, Result } from "../../ipc/errors.ts";
import type { WorkerId } from "../../ipc/ids.ts";

/**
 * The workers: their processes, their connections and what is said to them. Which attempt runs where
 * is not decided here.
 */
export type PoolOptions = {
  readonly epoch: number;
  /** `.aibrain` */
  readonly brain: string;
  readonly stateDir: string;
  readonly logs: string;
  readonly entry: string;
  readonly path: string;
  readonly staleAfterMs: () => number;
  readonly settings: () => WorkerSettings;
  /** `known`: to be called when whoever assigns has taken note of it, durably. */
  readonly onReady: (worker: WorkerId, holding: readonly AttemptKey[], known: () => void) => void;
  readonly onGone: (worker: WorkerId) => void;
  readonly onHeartbeat: (heartbeat: Heartbeat) => void;
  readonly onReports: (worker: WorkerId, reports: readonly Report[]) => void;
  readonly onProblem: (worker: WorkerId, message: string) => void;
  readonly onBug: (error: unknown, method: string) => void;
};

export const gateWorker = workerId("gate", 1);
const staleCheckMs = 1000;
/** Two checks further apart than this: the machine slept, and every worker gets its time anew. */
const suspendGapMs = 5 * staleCheckMs;

export class Pool {
  readonly #options: PoolOptions;
  readonly #slots = new Map<WorkerId, Slot>();
  #launched = false;
  #staleTimer: NodeJS.Timeout | null = null;
  #lastCheck = performance.now();
  #isStopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Opens `slots` places, and those in `needed` that attempts still belong to. Workers that an
   * earlier supervisor left running keep theirs, also gates and those beyond `slots`, so that none is
   * left when this one stops; of the others it is said that they are gone. Their processes start with
   * `launch`.
   */
  async start(slots: number, needed: Iterable<WorkerId>): Promise<void> {
    const left = await livingWorkers(this.#options.stateDir);
    await Promise.all([...new Set([...needed, ...left])].map((worker) => this.ensure(worker)));
    await this.grow(slots);
    this.#staleTimer = setInterval(() => this.#checkStale(), staleCheckMs);
    this.#staleTimer.unref();
  }

  /** Starts a process in every place that has none: from now on each gets one as soon as it is opened. */
  launch(): void {
    this.#launched = true;
    for (const slot of this.#slots.values()) slot.launch();
  }

  /** Opens places up to `slots`. Those beyond it stay; nothing new is given to them. */
  async grow(slots: number): Promise<void> {
    const wanted = Array.from({ length: slots }, (_, at) => workerId("worker", at + 1));
    await Promise.all(wanted.map((worker) => this.ensure(worker)));
  }

  /** Workers dial in again and hear the settings of now; what runs goes on meanwhile. */
  reconnect(): void {
    for (const slot of this.#slots.values()) slot.peer?.close();
  }

  /** Decides on a worker that dials in, and takes its connection over. */
  admit(hello: WorkerHello, peer: Peer): Result<WorkerSettings> {
    const slot = this.#slots.get(hello.worker);
    if (slot === undefined || !slot.knows(hello)) return fail(this.#stranger(hello.worker, slot));
    // What it was given before would be lost with us: the next supervisor would not know it.
    if (!slot.isRecorded) return fail(failure("busy", "The worker is just being written down."));
    slot.attach(peer);
    peer.handlers = {
      onRequest: (method) => {
        throw new Error(`a worker asked ${method}`);
      },
      onNotification: (method, params) => this.#hear(slot, method, params),
      onEnd: () => slot.detach(peer),
      onBug: this.#options.onBug,
    };
    this.#options.onReady(hello.worker, hello.holding, () => slot.introduce(peer));
    return ok(this.#options.settings());
  }

  /**
   * A refusal ends the worker, and its agent with it. So while it is not known yet who works where (a
   * worker that outlived the last supervisor may dial before we have read its record) it is to come again.
   */
  #stranger(worker: WorkerId, slot: Slot | undefined): Failure {
    const isKnown = slot === undefined ? this.#launched : slot.isOpen;
    return isKnown
      ? failure("refused", `${worker} is not a worker of this supervisor`)
      : failure("busy", "The supervisor does not know its workers yet.");
  }

  /**
   * Without effect while the worker is not connected: it is sent again when it dials in. The same while
   * nobody knows yet that it has: what was decided before was meant for the process before it, and a
   * loop that waits for space on the disk can decide long after that one died.
   */
  assign(worker: WorkerId, assignments: readonly Assignment[]): void {
    const slot = this.#slots.get(worker);
    if (slot?.isKnown === true) slot.peer?.notify("worker.assign", assignments);
  }

  cancel(worker: WorkerId, cancellation: Cancellation): void {
    this.#slots.get(worker)?.peer?.notify("worker.cancel", cancellation);
  }

  acknowledge(worker: WorkerId, keys: readonly ReportKey[]): void {
    this.#slots.get(worker)?.peer?.notify("worker.acknowledge", keys);
  }

  /** Starts the worker if it has no process yet (gates are rare, so theirs starts when first needed). */
  async ensure(worker: WorkerId): Promise<void> {
    if (!this.#slots.has(worker) && !this.#isStopped) await this.#open(worker);
  }

  slots(): readonly Slot[] {
    return [...this.#slots.values()];
  }

  slot(worker: WorkerId): Slot | undefined {
    return this.#slots.get(worker);
  }

  /** Ends every worker: they are asked, then told, then killed. Resolves when none is left. */
  async stop(graceMs: number): Promise<void> {
    this.#stopOpening();
    const slots = this.slots();
    for (const slot of slots) slot.peer?.notify("worker.stop", {});
    for (const slot of slots) if (slot.peer === null) slot.kill("SIGTERM");
    const hard = setTimeout(() => {
      for (const slot of slots) slot.kill("SIGKILL");
    }, graceMs);
    await Promise.all(slots.map((slot) => slot.close()));
    clearTimeout(hard);
  }

  /** Leaves the workers running for the next supervisor. */
  abandon(): void {
    this.#stopOpening();
    for (const slot of this.#slots.values()) slot.abandon();
  }

  async #open(worker: WorkerId): Promise<void> {
    const folder = join(this.#options.brain, worker);
    const onGone = (gone: WorkerId) => this.#gone(gone);
    const slot = new Slot({ ...this.#options, onGone, worker, folder });
    // Before anything is waited for: whoever asks for the same worker meanwhile finds this one.
    this.#slots.set(worker, slot);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await mkdir(this.#options.logs, { recursive: true, mode: 0o700 });
    const wasThere = await slot.open();
    if (!wasThere) this.#gone(worker);
    if (this.#launched) slot.launch();
  }

  /**
   * What it finished and could not tell any more is on disk, and counts before the rest is lost. The
   * next process of the worker tells it again, and is told to forget it.
   */
  #gone(worker: WorkerId): void {
    const { brain, onReports, onGone, onProblem } = this.#options;
    try {
      const reports = readStoredReports(join(brain, worker, attemptLogName));
      if (reports.length > 0) onReports(worker, reports);
    } catch (error) {
      onProblem(worker, `its outcomes cannot be read: ${String(error)}`);
    }
    onGone(worker);
  }

  #hear(slot: Slot, method: string, params: unknown): void {
    if (method === "worker.heartbeat") {
      const heartbeat = readHeartbeat(params);
      if (heartbeat === null) return;
      slot.note(heartbeat);
      this.#options.onHeartbeat(heartbeat);
    } else if (method === "worker.report")
      this.#options.onReports(slot.worker, readReports(params));
  }

  /** A worker that does not say anything for too long hangs: killed, and then it is gone like any other. */
  #checkStale(): void {
    const now = performance.now();
    const slept = now - this.#lastCheck > suspendGapMs;
    this.#lastCheck = now;
    for (const slot of this.#slots.values()) {
      if (slept) slot.heartbeatAt = now;
      if (slot.state === "empty" || now - slot.heartbeatAt < this.#options.staleAfterMs()) continue;
      this.#options.onProblem(slot.worker, "no heartbeat for too long: killed");
      slot.kill("SIGKILL");
    }
  }

  #stopOpening(): void {
    this.#isStopped = true;
    if (this.#staleTimer !== null) clearInterval(this.#staleTimer);
  }
}
