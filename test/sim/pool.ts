import { never } from "./timeline.ts";
import type { WorkerProcess } from "./worker.ts";
import { workerId } from "../../ipc/ids.ts";
import type { Assignment, Cancellation, Report, ReportKey } from "../../ipc/workerMessages.ts";
import type { Machine } from "./machine.ts";
import type { Pool } from "../../daemon/pool/pool.ts";
import type { Port } from "./port.ts";
import type { WorkerId } from "../../ipc/ids.ts";

/**
 * The twin of daemon/pool: the same states of a slot, with processes and connections that are
 * simulated. Messages of one connection keep their order; those of a connection that broke are lost,
 * and faults may double a report, keep one back, or let one come long after its time.
 */
export type PoolOptions = {
  readonly onReady: (worker: WorkerId, holding: readonly ReportKey[], known: () => void) => void;
  readonly onGone: (worker: WorkerId) => void;
  readonly onReports: (worker: WorkerId, reports: readonly Report[]) => void;
};

type Slot = {
  readonly worker: WorkerId;
  process: WorkerProcess | null;
  connection: Connection | null;
  /** Since when it has been expected to say something. */
  heardMs: number;
  pauseMs: number;
};

/** Of each direction: when the last message arrives, so that none passes another. */
type Connection = { open: boolean; isKnown: boolean; upMs: number; downMs: number };

const restartPauseMs = { first: 100, longest: 30_000 };
const healthyMs = 10_000;
const spawnMsMax = 200;

export class SimPool implements Pick<Pool, "assign" | "cancel" | "ensure"> {
  readonly #machine: Machine;
  readonly #port: Port;
  readonly #options: PoolOptions;
  readonly #slots = new Map<WorkerId, Slot>();
  #closed = false;

  constructor(machine: Machine, port: Port, options: PoolOptions) {
    this.#machine = machine;
    this.#port = port;
    this.#options = options;
  }

  async start(slots: number, needed: Iterable<WorkerId>): Promise<void> {
    const left = this.#machine.processes.map(({ worker }) => worker);
    for (const worker of new Set([...needed, ...left])) await this.ensure(worker);
    await this.grow(slots);
  }

  async grow(slots: number): Promise<void> {
    for (let slot = 1; slot <= slots; slot += 1) await this.ensure(workerId("worker", slot));
  }

  async ensure(worker: WorkerId): Promise<void> {
    if (this.#slots.has(worker)) return;
    if (!this.#port.pass("ensure")) return await never();
    const slot = {
      worker,
      process: null,
      connection: null,
      heardMs: 0,
      pauseMs: restartPauseMs.first,
    };
    this.#slots.set(worker, slot);
    const there = this.#machine.processOf(worker);
    if (there !== null) return this.#watch(slot, there);
    this.#startIn(slot, 0);
    this.#options.onGone(worker);
  }

  assign(worker: WorkerId, assignments: readonly Assignment[]): void {
    if (this.#slots.get(worker)?.connection?.isKnown !== true) return;
    this.#down(worker, "assign", (process) => process.assign(assignments));
  }

  cancel(worker: WorkerId, { task, attempt, fence }: Cancellation): void {
    this.#down(worker, "cancel", (process) => process.cancel({ task, attempt, fence }));
  }

  acknowledge(worker: WorkerId, keys: readonly ReportKey[]): void {
    const fences = keys.map(({ fence }) => fence);
    this.#down(worker, "acknowledge", (process) => process.acknowledge(fences));
  }

  /** A worker dials in: the supervisor is there, and it may be the one that belongs here. */
  admit(process: WorkerProcess): boolean {
    const slot = this.#slots.get(process.worker);
    if (slot === undefined || slot.process !== process) return false;
    this.#breakOff(slot);
    const { nowMs } = this.#machine.timeline;
    const connection: Connection = { open: true, isKnown: false, upMs: nowMs, downMs: nowMs };
    slot.connection = connection;
    slot.heardMs = nowMs;
    const line = { send: (reports: readonly Report[]) => this.#up(slot, connection, reports) };
    this.#options.onReady(process.worker, process.holding(), () => {
      connection.isKnown = true;
    });
    this.#after(connection, "downMs", () =>
      process.whileAwake(() => {
        if (connection.open) process.begin(line);
      }),
    );
    return true;
  }

  /** Was this process frozen for too long by now? */
  checkStale(process: WorkerProcess): void {
    const slot = this.#slots.get(process.worker);
    if (slot?.process !== process || process.frozenSinceMs === null || !this.#port.alive) return;
    const since = Math.max(slot.heardMs, process.frozenSinceMs);
    const leftMs = since + this.#machine.scenario.staleAfterMs - this.#machine.timeline.nowMs;
    if (leftMs > 0) this.#machine.timeline.after(leftMs, () => this.checkStale(process));
    else process.kill();
  }

  stop(): void {
    this.#closed = true;
    for (const slot of this.#slots.values()) {
      const { process } = slot;
      if (slot.connection !== null) this.#down(slot.worker, "stop", (worker) => worker.end());
      else process?.whileAwake(() => process.end());
    }
  }

  kill(): void {
    for (const { process } of this.#slots.values()) process?.kill();
  }

  /** So that every worker hears the new settings when it dials in again. */
  reconnect(): void {
    for (const slot of this.#slots.values()) this.#breakOff(slot);
  }

  /** The supervisor is gone, or leaves its workers to the next one. */
  abandon(): void {
    this.#closed = true;
    for (const slot of this.#slots.values()) this.#breakOff(slot);
  }

  get running(): number {
    return [...this.#slots.values()].filter(({ process }) => process?.alive).length;
  }

  #startIn(slot: Slot, pauseMs: number): void {
    if (this.#closed) return;
    const { timeline, random } = this.#machine;
    timeline.after(pauseMs + random.int(20, spawnMsMax), () => {
      if (this.#closed || !this.#port.pass("spawn")) return;
      this.#watch(slot, this.#machine.spawn(slot.worker));
    });
    slot.pauseMs = Math.min(slot.pauseMs * 2, restartPauseMs.longest);
  }

  #watch(slot: Slot, process: WorkerProcess): void {
    const { timeline, random } = this.#machine;
    slot.process = process;
    slot.heardMs = timeline.nowMs;
    if (process.frozenSinceMs !== null) this.checkStale(process);
    process.whenGone(() => {
      timeline.after(random.int(0, 20), () => {
        if (slot.process !== process || !this.#port.pass("gone")) return;
        slot.process = null;
        this.#breakOff(slot);
        if (timeline.nowMs - process.startedMs > healthyMs) slot.pauseMs = restartPauseMs.first;
        this.#options.onGone(slot.worker);
        this.#startIn(slot, slot.pauseMs);
      });
    });
  }

  #breakOff(slot: Slot): void {
    const { connection, process } = slot;
    if (connection === null) return;
    connection.open = false;
    slot.connection = null;
    if (process === null) return;
    process.line = null;
    this.#machine.timeline.after(1, () => process.whileAwake(() => this.#lost(process)));
  }

  #lost(process: WorkerProcess): void {
    if (process.line === null) process.loseLine();
    this.#machine.redial(process);
  }

  /** What is in the socket arrives even when its sender dies meanwhile. */
  #down(worker: WorkerId, name: string, hear: (process: WorkerProcess) => void): void {
    if (!this.#port.pass(name)) return;
    const slot = this.#slots.get(worker);
    const { process, connection } = slot ?? { process: null, connection: null };
    if (process === null || connection === null) return;
    this.#after(connection, "downMs", () => process.whileAwake(() => hear(process)));
  }

  #up(slot: Slot, connection: Connection, reports: readonly Report[]): void {
    const machine = this.#machine;
    if (!connection.open) return;
    if (machine.strikes("report_lost")) return this.#breakOff(slot);
    const deliver = (): void => {
      if (connection.open) this.hear(slot.worker, reports);
    };
    if (machine.strikes("report_duplicated"))
      machine.timeline.after(machine.random.int(0, 50), deliver);
    if (machine.strikes("report_late"))
      machine.deliverLate(slot.worker, reports, machine.random.logarithmic(500, 60_000));
    if (machine.strikes("report_reordered"))
      machine.timeline.after(machine.random.int(5, 500), deliver);
    else this.#after(connection, "upMs", deliver);
  }

  /** Also called for what comes from nowhere: a connection of the past, a zombie. */
  hear(worker: WorkerId, reports: readonly Report[]): void {
    if (this.#port.pass("report")) this.#options.onReports(worker, reports);
  }

  #after(connection: Connection, direction: "upMs" | "downMs", arrive: () => void): void {
    const { timeline, random } = this.#machine;
    connection[direction] = Math.max(connection[direction], timeline.nowMs + random.int(0, 3));
    timeline.after(connection[direction] - timeline.nowMs, arrive);
  }
}
