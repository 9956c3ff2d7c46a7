import { join } from "node:path";
import type {
  Assignment,
  AttemptKey,
  Heartbeat,
  Report,
  WorkerSettings,
} from "../ipc/workerMessages.ts";
import type { AttemptState, Course, Desk } from "./attempt/desk.ts";
import { attemptLogName } from "../system/attemptLines.ts";
import { AttemptLog } from "./attempt/attemptLog.ts";
import { attemptFolder, hasOutcome } from "./attempt/records.ts";
import type { Attempt } from "./attempt/run.ts";
import { heartbeatOf } from "./heartbeat.ts";
import type { Log } from "./log.ts";
import { keyOf, nameOf, Reports } from "./reports.ts";
import { readHeld } from "./workspace/held.ts";
import { findPlace } from "./workspace/place.ts";

/**
 * What a worker has to do, one thing after the other, and what it has to tell:
 *
 *     taken over from an earlier process ──salvage──┐
 *     assigned ──► waiting ──► running ─────────────┴──► report ──► acknowledged, forgotten
 *                     └──cancelled────────────────────────▲
 *
 * Nothing here knows whether there is a connection: `send` drops what cannot be sent, and everything
 * is told again by `tellAll` at the next connection.
 */
export type DutyOptions = Pick<Desk, "worker" | "stateFolder"> & {
  readonly log: Log;
  readonly send: (method: "worker.report" | "worker.heartbeat", params: unknown) => void;
  /** Nothing is at work any more, or the last report was acknowledged. */
  readonly onIdle: () => void;
};

type Running = {
  readonly course: Course;
  readonly end: AbortController;
  state: AttemptState;
};

/** A stage that lasts shorter is not told. */
const stageMs = 20;
/** The first one of a process prunes as well. */
const attemptsPerPrune = 50;

export class Duty {
  readonly #options: DutyOptions;
  readonly #reports = new Reports();
  readonly #attempts: AttemptLog;
  #desk: Desk | null = null;
  #running: Running | null = null;
  #waiting: Attempt[] = [];
  /** Attempts of an earlier process without an outcome; empty once they are salvaged. */
  #cutShort: AttemptKey[] = [];
  #salvaged = false;
  #ending = false;
  #runner: Promise<typeof import("./attempt/run.ts")> | null = null;
  #stageTimer: NodeJS.Timeout | null = null;
  #work: Promise<void> | null = null;
  #untilPruned = 1;

  constructor(options: DutyOptions) {
    this.#options = options;
    this.#attempts = new AttemptLog(join(options.stateFolder, attemptLogName));
  }

  get isWorking(): boolean {
    return this.#work !== null;
  }

  get unacknowledged(): number {
    return this.#reports.size;
  }

  /** To be called once, before anything is assigned. */
  takeOver(): void {
    for (const found of this.#attempts.takeOver()) {
      if (found.kind === "unreported") this.#reports.add(found.report, true);
      else this.#cutShort.push(found.key);
    }
  }

  holding(): AttemptKey[] {
    return [...this.#unreported(), ...this.#reports.all()].map(keyOf);
  }

  /** A supervisor is there, perhaps a new one: from now on its settings count. */
  begin(settings: WorkerSettings): void {
    const { worker, stateFolder, log } = this.#options;
    const place = onceUntilItFails(() => findPlace(worker, settings));
    this.#desk = { worker, stateFolder, settings, place, attempts: this.#attempts, log };
    this.tellHeartbeat();
    this.#tell(this.#reports.all());
    this.#goOn();
  }

  assign(assignments: readonly Assignment[]): void {
    const reports: Report[] = [];
    for (const assignment of assignments) {
      const key = keyOf(assignment);
      const known = this.#reports.get(key);
      if (known !== null) reports.push(known);
      else if (this.#isUnreported(key)) continue;
      else if (this.#ending) this.#report(endedUnstarted(key));
      else if (assignment.kind === "instant") reports.push(this.#answerInstant(key));
      else this.#waiting.push(assignment);
    }
    this.#tell(reports);
    this.#goOn();
  }

  /** Without effect on what it does not hold: that was reported and acknowledged, or never came. */
  cancel(key: AttemptKey): void {
    const name = nameOf(key);
    const known = this.#reports.get(key);
    if (known !== null) return this.#tell([known]);
    if (this.#running !== null && nameOf(this.#running.course.key) === name)
      return this.#running.end.abort();
    const rest = this.#waiting.filter((attempt) => nameOf(attempt) !== name);
    if (rest.length < this.#waiting.length) this.#report(endedUnstarted(key));
    this.#waiting = rest;
  }

  acknowledge(keys: readonly AttemptKey[]): void {
    for (const key of keys) {
      if (this.#reports.forget(key)?.onDisk !== true) continue;
      try {
        this.#attempts.acknowledge(key);
      } catch (error) {
        this.#options.log("an acknowledgement cannot be noted", { ...key, error: String(error) });
      }
    }
    if (this.#reports.size === 0) this.#options.onIdle();
  }

  /** Starts nothing more (what still comes is reported as ended), and ends what runs; its work is saved and reported as always. */
  end(): void {
    this.#ending = true;
    this.#running?.end.abort();
    for (const attempt of this.#waiting) this.#report(endedUnstarted(attempt));
    this.#waiting = [];
  }

  async settled(): Promise<void> {
    while (this.#work !== null) await this.#work;
  }

  /** To be called now and then: an idle workspace gives its space back when there is too little. */
  makeRoomIfIdle(): void {
    const desk = this.#desk;
    if (desk === null || !this.#salvaged || this.#work !== null) return;
    this.#begin(this.#makeRoom(desk, null));
  }

  tellHeartbeat(): void {
    const running = this.#running;
    const beat: Heartbeat = heartbeatOf(running?.course.key ?? null, running?.state ?? null);
    this.#options.send("worker.heartbeat", beat);
  }

  /** A stage that is over in no time is not worth a message: looking at the output and telling it cost more than `true`. */
  #tellStage(): void {
    if (this.#stageTimer !== null) return;
    this.#stageTimer = setTimeout(() => {
      this.#stageTimer = null;
      this.tellHeartbeat();
    }, stageMs);
  }

  #tell(reports: readonly Report[]): void {
    if (reports.length > 0) this.#options.send("worker.report", reports);
  }

  #report(report: Report): void {
    this.#reports.add(report, true);
    this.#tell([report]);
  }

  #answerInstant(key: AttemptKey): Report {
    const report: Report = { ...key, outcome: { result: "done", saved: null }, elapsed_ms: 0 };
    this.#reports.add(report, false);
    return report;
  }

  #unreported(): readonly AttemptKey[] {
    const running = this.#running === null ? [] : [this.#running.course.key];
    return [...running, ...this.#waiting, ...this.#cutShort];
  }

  #isUnreported(key: AttemptKey): boolean {
    return this.#unreported().some((held) => nameOf(held) === nameOf(key));
  }

  /** Starts what is next, unless something is at work. */
  #goOn(): void {
    if (this.#work !== null || this.#desk === null || this.#ending) return;
    if (this.#salvaged && this.#waiting.length === 0) return;
    this.#begin(this.#workOff(this.#desk));
  }

  #begin(work: Promise<void>): void {
    this.#work = work
      .catch((error: unknown) => this.#options.log("a bug", { error: String(error) }))
      .then(() => {
        this.#work = null;
        this.#options.onIdle();
        this.#goOn();
      });
  }

  async #workOff(desk: Desk): Promise<void> {
    if (!this.#salvaged) return await this.#salvage(desk);
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const running = this.#start(keyOf(next));
    try {
      // Loaded with the first task there is: git and execa triple what a worker needs to get ready.
      this.#runner ??= import("./attempt/run.ts");
      const { runAttempt } = await this.#runner;
      const report = await runAttempt(desk, running.course, next);
      this.#report(report);
      await this.#makeRoom(desk, report);
      await this.#prune(desk);
    } finally {
      this.#running = null;
      this.#tellStage();
    }
  }

  async #makeRoom(desk: Desk, last: Report | null): Promise<void> {
    try {
      const { makeRoom } = await import("./attempt/makeRoom.ts");
      await makeRoom(desk, last);
    } catch (error) {
      desk.log("the workspace cannot be removed", { error: String(error) });
    }
  }

  /** Now and then, since it looks at every folder that is kept. */
  async #prune({ settings, attempts, stateFolder, log }: Desk): Promise<void> {
    this.#untilPruned -= 1;
    if (this.#untilPruned > 0) return;
    this.#untilPruned = attemptsPerPrune;
    try {
      const { pruneAttempts } = await import("./attempt/prune.ts");
      const { retention } = settings.config;
      const options = { attempts: retention.attempts, open: attempts.openFolders() };
      const removed = await pruneAttempts(join(stateFolder, "attempts"), options);
      if (removed > 0) log("old attempts were removed", { removed });
    } catch (error) {
      log("old attempts cannot be removed", { error: String(error) });
    }
  }

  /** Before anything is reset: what an earlier process did not save is saved now. */
  async #salvage(desk: Desk): Promise<void> {
    try {
      const held = await readHeld(await desk.place());
      const isOpen =
        held !== null &&
        this.#reports.get(held) === null &&
        !hasOutcome(attemptFolder(desk.stateFolder, held));
      if (this.#cutShort.length > 0 || isOpen) {
        const { salvage } = await import("./attempt/salvage.ts");
        for (const report of await salvage(desk, this.#cutShort, isOpen ? held : null)) {
          this.#report(report);
          await this.#makeRoom(desk, report);
        }
      }
    } catch (error) {
      // What is held stays held: the next reset saves it or puts it aside.
      desk.log("the earlier process's work cannot be saved", { error: String(error) });
      for (const key of this.#cutShort)
        this.#report({ ...keyOf(key), outcome: { result: "lost", saved: null }, elapsed_ms: 0 });
    }
    this.#cutShort = [];
    this.#salvaged = true;
  }

  #start(key: AttemptKey): Running {
    const end = new AbortController();
    const enter = (state: AttemptState): void => {
      running.state = state;
      this.#tellStage();
    };
    const course: Course = { key, signal: end.signal, enter };
    const running: Running = { course, end, state: { stage: "workspace" } };
    this.#running = running;
    return running;
  }
}

function onceUntilItFails<Value>(find: () => Promise<Value>): () => Promise<Value> {
  let found: Promise<Value> | null = null;
  return async () => {
    found ??= find();
    try {
      return await found;
    } catch (error) {
      found = null;
      throw error;
    }
  };
}

function endedUnstarted(key: AttemptKey): Report {
  return { ...keyOf(key), outcome: { result: "ended", saved: null }, elapsed_ms: 0 };
}
