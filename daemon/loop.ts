import { before, keepTask, withoutBatch } from "./core/durableView.ts";
import { ChangedTasks } from "./changedTasks.ts";
import { decide } from "./core/decide.ts";
import { eventVersion } from "./core/upcast.ts";
import { evolve } from "./core/evolve.ts";
import { grantHolds } from "./core/holds.ts";
import { isFinal } from "./core/state.ts";
import { nextGateTry } from "./core/unavailable.ts";
import { nextTimer, scheduleTasks } from "./core/schedule.ts";
import { react } from "./core/react.ts";
import { rejection } from "./core/failures.ts";
import { startLanding } from "./core/landing.ts";
import { stateRow } from "./core/snapshot.ts";
import { unreachable } from "../ipc/errors.ts";
import type { JournalProblem, JournalResult, JournalRow, Snapshot } from "./journal/records.ts";
import type { Before } from "./core/durableView.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { Command, Decision } from "./core/commands.ts";
import type { Effect } from "./core/effects.ts";
import type { Event, Recorded } from "./core/events.ts";
import type { Shortage } from "../ipc/shortage.ts";
import type { State } from "./core/state.ts";
import type { TaskId } from "../ipc/ids.ts";

/**
 * The one place where the state changes:
 *
 *     commands that came in ─decide─► events ─evolve─► state, at once
 *     what can start or land now ───► events ─evolve─► state
 *     the batch of events ──────────► journal (synced)
 *     then, and only then: answers leave, effects are carried out, subscribers hear, reads see it
 *
 * While a batch is on its way to the disk new commands collect and make up the next one (group
 * commit). Reads wait for the end of the batch, so nobody is told what a crash could take back; when
 * the disk is full and the end is not in sight, they see the state without the batch.
 */
export type LoopPorts = {
  readonly journal: {
    append(rows: readonly JournalRow[]): Promise<JournalResult<null>>;
    snapshot(part: Snapshot): Promise<JournalResult<null>>;
  };
  readonly wallMs: () => number;
  readonly setTimer: Clock["setTimer"];
  readonly carryOut: (effects: readonly Effect[]) => void;
  readonly publish: (batch: readonly Recorded[]) => void;
  /** The journal cannot be trusted any more; the process has to end. */
  readonly die: (reason: unknown) => void;
};

/** Finished tasks kept in memory for `status`; older ones are read from the journal. */
export const finishedKeptMax = 500;
export type LoopLimits = {
  /** Events between two snapshots; bounds what a start replays. */
  readonly snapshotEvents: number;
  readonly finishedKeptMax: number;
};
const usualLimits: LoopLimits = { snapshotEvents: 5_000, finishedKeptMax };
/** Commands decided in one batch, so that one turn of the event loop stays short. */
const batchCommandsMax = 1_000;
const fullRetryMs = 500;
/** A start replays this many times `snapshotEvents` at most: a slow snapshot is waited for. */
const snapshotsBehindMax = 4;
/** The wall clock may be set, and timers stand still while the machine sleeps: it is looked at this often. */
const timerMsMax = 30_000;

type Ask = { readonly command: Command; readonly answer: (decision: Decision) => void };

export class Loop {
  readonly state: State;
  /** Why the journal cannot be written at the moment; `null` when it can. */
  journalProblem: string | null = null;
  /** While set, no attempt starts; what has run still lands. */
  draining = false;
  /** While set, nothing starts and nothing begins to land. */
  stopping = false;
  #shortage: Shortage | null = null;
  readonly #ports: LoopPorts;
  readonly #limits: LoopLimits;
  #asked: Ask[] = [];
  #reads: (() => void)[] = [];
  /** Set while commands are decided and committed. */
  #turning: Promise<void> | null = null;
  /** Something came in since the present turn began. */
  #woken = false;
  #ended = false;
  /** While a batch waits for space: the state without it. */
  #durable: State | null = null;
  /** The journal refused for good: what the state says now is never shown. */
  #broken = false;
  readonly #breaking = Promise.withResolvers<void>();
  #timer: Timer | null = null;
  readonly #changed: ChangedTasks;
  /** Final tasks in memory, the one that ended longest ago first. */
  readonly #finished: Set<TaskId>;
  /** The event that the last good snapshot shows, and the one that brings the next. */
  #snapshotSeq: number;
  #snapshotDueAt: number;
  #snapshotting: Promise<void> | null = null;

  /** `replayed`: the events that the state has seen since the last snapshot. */
  constructor(
    state: State,
    replayed: readonly Recorded[],
    ports: LoopPorts,
    limits: LoopLimits = usualLimits,
  ) {
    this.state = state;
    this.#ports = ports;
    this.#limits = limits;
    this.#snapshotSeq = state.seq - replayed.length;
    this.#snapshotDueAt = this.#snapshotSeq + limits.snapshotEvents;
    this.#changed = new ChangedTasks(
      state,
      replayed.flatMap(({ event }) => ("task" in event ? [event.task] : [])),
    );
    const finished = [...state.tasks.values()]
      .filter(({ life }) => isFinal(life))
      .toSorted((a, b) => a.life.since - b.life.since);
    this.#finished = new Set(finished.map(({ id }) => id));
  }

  /**
   * Resolves when the journal refused for good. Whoever asked or read and has no answer by then never
   * gets one: it may be durable or not, and only the next supervisor finds out.
   */
  get broken(): Promise<void> {
    return this.#breaking.promise;
  }

  /** Resolves when the decision is durable, and with a rejection when nothing is decided any more. */
  ask(command: Command): Promise<Decision> {
    return new Promise((answer) => {
      this.#asked.push({ command, answer });
      if (this.#ended) this.#refuseAsked();
      else this.#wake();
    });
  }

  /** Reports a fact whose answer nobody needs. */
  tell(command: Command, durable: () => void = () => {}): void {
    const answer = (decision: Decision) => {
      if (decision.ok) durable();
    };
    this.#asked.push({ command, answer });
    this.#wake();
  }

  /** Looks at a state of which all is durable. */
  read<View>(look: (state: State) => View): Promise<View> {
    return new Promise((resolve, reject) => {
      const readNow = () => {
        let view: View;
        try {
          view = look(this.#durable ?? this.state);
        } catch (error) {
          return reject(error instanceof Error ? error : new Error(String(error)));
        }
        resolve(view);
      };
      if (this.#broken) return;
      if (this.#turning === null || this.#durable !== null) readNow();
      else this.#reads.push(readNow);
    });
  }

  get shortage(): Shortage | null {
    return this.#shortage;
  }

  /** While a disk is short of space no attempt starts; what runs goes on, and what has run lands. */
  set shortage(shortage: Shortage | null) {
    const isOver = this.#shortage !== null && shortage === null;
    this.#shortage = shortage;
    if (isOver) this.poke();
  }

  /** Looks again for what can start, for example after a setting of the loop changed. */
  poke(): void {
    this.#wake();
  }

  /** Waits for the batch under way; afterwards nothing is decided any more. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    await this.#turning;
    this.#refuseAsked();
  }

  #wake(): void {
    this.#woken = true;
    if (this.#turning === null && !this.#ended) this.#turning = this.#turns();
  }

  async #turns(): Promise<void> {
    // What else comes in meanwhile belongs to the same batch.
    await Promise.resolve();
    try {
      while (this.#woken && !this.#ended) {
        this.#woken = false;
        await this.#turn();
      }
      this.#turning = null;
      this.#answerReads();
      this.#armTimer();
    } catch (error) {
      this.#broken = true;
      this.#ended = true;
      this.#turning = null;
      this.#breaking.resolve();
      this.#ports.die(error);
    }
  }

  async #turn(): Promise<void> {
    const at = this.#ports.wallMs();
    const batch: Recorded[] = [];
    const kept = before(this.state);
    const apply = (event: Event) => {
      if ("task" in event) keepTask(kept, this.state, event.task);
      const recorded = { seq: this.state.seq + 1, at, event };
      if ("task" in event) this.#changed.beforeChange(event.task);
      evolve(this.state, recorded);
      batch.push(recorded);
      // Before the batch is durable: a snapshot that ends meanwhile must not evict a task that lives again.
      if ("task" in event) this.#noteChange(event.task);
    };
    const asked = this.#asked.splice(0, batchCommandsMax);
    if (this.#asked.length > 0) this.#woken = true;
    const decisions = asked.map(({ command }) => decide(this.state, command, at, apply));
    // First, because a landing that ends gives back claims and places in the order of others.
    if (!this.stopping) startLanding(this.state, at, apply);
    if (!this.stopping) grantHolds(this.state, at, apply);
    if (this.#startsTasks) scheduleTasks(this.state, at, apply);
    if (batch.length > 0) await this.#commit(batch, kept);
    decisions.forEach((decision, index) => asked[index]?.answer(decision));
    if (batch.length > 0) {
      this.#ports.carryOut(react(this.state, batch));
      this.#ports.publish(batch);
    }
    this.#answerReads();
    this.#snapshotIfDue();
    if (this.state.seq - this.#snapshotSeq > snapshotsBehindMax * this.#limits.snapshotEvents)
      await this.#snapshotting;
  }

  get #startsTasks(): boolean {
    return !this.draining && !this.stopping && this.#shortage === null;
  }

  async #commit(batch: readonly Recorded[], kept: Before): Promise<void> {
    const rows = batch.map((recorded) => rowOf(recorded));
    for (;;) {
      const result = await this.#ports.journal.append(rows);
      if (result.ok) break;
      if (result.problem.kind !== "full" || this.#ended) throw new JournalFailure(result.problem);
      this.journalProblem = "the disk is full; nothing is accepted or started until there is space";
      this.#durable ??= withoutBatch(this.state, kept, this.#ports.wallMs());
      this.#answerReads();
      await new Promise<void>((resolve) => {
        this.#ports.setTimer(fullRetryMs, resolve);
      });
    }
    this.journalProblem = null;
    this.#durable = null;
  }

  #noteChange(id: TaskId): void {
    this.#changed.noteChange(id);
    const task = this.state.tasks.get(id);
    this.#finished.delete(id);
    if (task !== undefined && isFinal(task.life)) this.#finished.add(id);
  }

  #refuseAsked(): void {
    for (const { answer } of this.#asked.splice(0))
      answer(rejection("stopping", "the supervisor is stopping"));
  }

  #answerReads(): void {
    const reads = this.#reads;
    this.#reads = [];
    for (const read of reads) read();
  }

  /** Writes the tasks that changed; a final one that is written may leave the memory. */
  #snapshotIfDue(): void {
    const { seq } = this.state;
    if (seq < this.#snapshotDueAt || this.#snapshotting !== null) return;
    const state = JSON.stringify(stateRow(this.state));
    const tasks = this.#changed.begin();
    this.#snapshotting = this.#ports.journal.snapshot({ seq, state, tasks }).then(({ ok }) => {
      this.#snapshotting = null;
      this.#changed.end({ written: ok });
      if (ok) this.#snapshotSeq = seq;
      this.#snapshotDueAt = (ok ? seq : this.state.seq) + this.#limits.snapshotEvents;
      if (ok) this.#evict();
    }, this.#ports.die);
  }

  /** One that changed since the snapshot stays until the next has it. */
  #evict(): void {
    for (const id of this.#finished) {
      if (this.#finished.size <= this.#limits.finishedKeptMax) return;
      if (this.#changed.has(id)) continue;
      this.#finished.delete(id);
      this.state.tasks.delete(id);
    }
  }

  /** Landing goes on while nothing new starts. */
  #nextDue(): number | null {
    const start = this.#startsTasks ? nextTimer(this.state) : null;
    const gate = this.stopping ? null : nextGateTry(this.state);
    return start === null || gate === null ? (start ?? gate) : Math.min(start, gate);
  }

  #armTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const due = this.#nextDue();
    if (due === null || this.#ended) return;
    const wait = Math.max(1, Math.min(due - this.#ports.wallMs(), timerMsMax));
    this.#timer = this.#ports.setTimer(wait, () => this.#wake());
  }
}

/** The journal refused a batch for good: out of the hands of this process. */
export class JournalFailure extends Error {
  readonly problem: JournalProblem;

  constructor(problem: JournalProblem) {
    super(`the journal cannot be written: ${wordsOf(problem)}`);
    this.name = "JournalFailure";
    this.problem = problem;
  }
}

function wordsOf(problem: JournalProblem): string {
  switch (problem.kind) {
    case "full":
      return "the disk is full";
    case "io":
      return `the disk fails: ${problem.message}`;
    case "fenced":
      return `a supervisor of epoch ${problem.epoch} writes it`;
    case "damaged":
      return `it is damaged: ${problem.report.message}`;
    case "format":
      return "a newer orchd wrote it";
    default:
      return unreachable(problem);
  }
}

export function rowOf({ seq, at, event }: Recorded): JournalRow {
  const { type, ...body } = event;
  const task = "task" in event ? event.task : null;
  return { seq, at, type, version: eventVersion, task, body: JSON.stringify(body) };
}
