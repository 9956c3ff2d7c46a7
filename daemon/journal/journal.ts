import { Worker } from "node:worker_threads";

import { unreachable } from "../../ipc/errors.ts";
import type { HistoryQuery } from "../../ipc/historyViews.ts";
import { parseRowText } from "./chain.ts";
import type { Failpoint } from "../../system/failpoint.ts";
import type { HistoryStep } from "./history.ts";
import { packRows, parseFinalTexts, parseTaskText, taskText } from "./protocol.ts";
import type { RecoveredPart, Reply, Request, ThreadSettings } from "./protocol.ts";
import { eventsPerReadMax } from "./records.ts";
import type {
  FinalTask,
  JournalProblem,
  JournalResult,
  JournalRow,
  Recovered,
  Snapshot,
  SnapshotTask,
  StoredRow,
  TaskRecord,
} from "./records.ts";

/**
 * The journal as the supervisor sees it. Nothing here touches the disk: a thread does (thread.ts), so
 * the event loop never waits for a sync.
 *
 *     openJournal ─► recover (once) ─► append* , snapshot* , readTask* , readEvents* ─► close
 *
 * What it promises: when `append` resolved well, the rows are on disk, also after `kill -9` and a
 * power cut; rows are kept in the order of the calls, a batch wholly or not at all. What was promised
 * is found again at the next start, or that start fails with a report (`damaged`).
 *
 * Calls may be made without waiting for the one before: what waits together is synced together. When
 * one fails for lack of space, those sent after it fail the same way, and all can be sent again in
 * order. Only a bug rejects or throws: a gap between seqs, a line break in a type.
 */
export class Journal {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #recovered: Recovered | null;
  #lastId = 0;
  #gone: JournalProblem | null = null;
  #bug: Error | null = null;
  readonly #onBug = Promise.withResolvers<Error>();
  #closing: Promise<JournalResult<null>> | null = null;

  /** Use `openJournal`. */
  constructor(worker: Worker, recovered: Recovered) {
    this.#worker = worker;
    this.#recovered = recovered;
    worker.on("message", (reply: Reply) => this.#settle(reply));
    worker.on("error", (error: unknown) => this.#lose(messageOf(error)));
    worker.on("exit", () => this.#lose("the journal's thread ended"));
  }

  /** Resolves when the thread meets a bug in what nobody waits for. Nothing is written any more then. */
  get bug(): Promise<Error> {
    return this.#onBug.promise;
  }

  /** What was read and proven when it was opened. It is given out once and then forgotten here. */
  recover(): Promise<Recovered> {
    if (this.#recovered === null) return Promise.reject(new Error("recovered twice"));
    const recovered = this.#recovered;
    this.#recovered = null;
    return Promise.resolve(recovered);
  }

  /** Resolves when the rows are committed and synced. Seqs go on from the last one without a gap. */
  async append(rows: readonly JournalRow[]): Promise<JournalResult<null>> {
    if (rows.length === 0) return done;
    refuseUnfit(rows);
    return doneOr(await this.#call((id) => packRows(id, rows)));
  }

  /**
   * Replaces the snapshot by one at `seq`, given the tasks that changed since the last one that went
   * well. Slices of them are asked for one by one, each when the one before is on disk, and appends
   * pass in between: what a slice holds is what one append may have to wait for. After a failure the
   * old snapshot stays. One at a time.
   */
  async snapshot({ seq, state, tasks }: Snapshot): Promise<JournalResult<null>> {
    const of = this.#nextId();
    for (const slice of tasks) {
      const [texts, bodies] = [slice.map(fitTaskText), slice.map(bodyOf)];
      const staged = doneOr(await this.#call((id) => ({ op: "part", id, of, texts, bodies })));
      if (!staged.ok) return staged;
    }
    return doneOr(await this.#call((id) => ({ op: "snapshot", id, of, seq, state })));
  }

  /** Everything the journal holds about a task, finished or not; empty when it never existed. */
  async readTask(task: string): Promise<JournalResult<TaskRecord>> {
    const reply = await this.#call((id) => ({ op: "task", id, task }));
    return readOr(reply, (body, texts) => ({ body, events: texts.map(parseRow) }));
  }

  /** Events from `from` on, at most `max` (and never more than `eventsPerReadMax`). */
  async readEvents(from: number, max: number): Promise<JournalResult<readonly StoredRow[]>> {
    const limit = Math.min(max, eventsPerReadMax);
    const reply = await this.#call((id) => ({ op: "events", id, from, max: limit }));
    return readOr(reply, (_, texts) => texts.map(parseRow));
  }

  /**
   * One step back through the tasks that the snapshot knows as finished, from `query.before` on, and
   * the last events of `ids`. Tasks that ended since the last snapshot are not among the rows.
   */
  async readHistory(
    query: HistoryQuery,
    ids: readonly string[],
  ): Promise<JournalResult<HistoryStep>> {
    const reply = await this.#call((id) => ({ op: "history", id, query, ids }));
    if (reply.op === "history") return { ok: true, value: reply.step };
    return readOr(reply, () => ({ rows: [], next: null, heads: [] }));
  }

  /** Finishes what was asked for, brings the log over into the file, and ends the thread. */
  close(): Promise<JournalResult<null>> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<JournalResult<null>> {
    // After a bug it is not asked for anything any more: what is on disk is whole without.
    const result = this.#bug === null ? await this.#call((id) => ({ op: "close", id })) : null;
    await this.#worker.terminate();
    return result === null ? done : doneOr(result);
  }

  #call(request: (id: number) => Request): Promise<Reply> {
    return this.#send(request(this.#nextId()));
  }

  #send(request: Request): Promise<Reply> {
    const { id } = request;
    if (this.#bug !== null) return Promise.reject(this.#bug);
    if (this.#gone !== null) return Promise.resolve({ op: "done", ids: [id], problem: this.#gone });
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#post(request);
    });
  }

  #post(request: Request): void {
    this.#worker.postMessage(request);
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #settle(reply: Reply): void {
    if (reply.op === "bug" && reply.ids.length === 0) {
      this.#bug ??= new Error(reply.message);
      this.#onBug.resolve(this.#bug);
    }
    for (const id of idsOf(reply)) {
      this.#waiting.get(id)?.(reply);
      this.#waiting.delete(id);
    }
  }

  #lose(message: string): void {
    const problem = (this.#gone ??= { kind: "io", message });
    this.#settle({ op: "done", ids: [...this.#waiting.keys()], problem });
  }
}

const done: JournalResult<null> = { ok: true, value: null };
/** What the thread allocates lives for one batch: more room would cost 10 MB and gain no time. */
const threadYoungMegabytes = 4;

/**
 * Opens or creates the journal at `path` (`…/orchd/journal.db`), proves what a start needs, and makes
 * `epoch` the only one that may write. `failpoint` is for tests.
 */
export async function openJournal(
  path: string,
  options: { readonly epoch: number; readonly failpoint?: Failpoint },
): Promise<JournalResult<Journal>> {
  const settings: ThreadSettings = { path, ...options };
  const worker = new Worker(threadFile(), {
    workerData: settings,
    name: "journal",
    resourceLimits: { maxYoungGenerationSizeMb: threadYoungMegabytes },
  });
  const gathered: Gathered = { live: [], final: [], events: [] };
  const opened = await new Promise<Opened>((resolve) => {
    worker.on("message", (reply: Reply) => {
      if (reply.op === "recovered") gather(gathered, reply);
      else if (reply.op === "opened") resolve(reply);
    });
    worker.on("error", (error: unknown) => resolve(lost(messageOf(error))));
    worker.on("exit", () => resolve(lost("the journal's thread ended")));
  });
  worker.removeAllListeners("message").removeAllListeners("error").removeAllListeners("exit");
  if (opened.problem === null) {
    const journal = new Journal(worker, { snapshot: opened.snapshot, ...gathered });
    return { ok: true, value: journal };
  }
  await worker.terminate();
  return { ok: false, problem: opened.problem };
}

type Opened = Extract<Reply, { op: "opened" }>;

type Gathered = { live: SnapshotTask[]; final: FinalTask[]; events: StoredRow[] };

function gather(into: Gathered, part: RecoveredPart): void {
  switch (part.table) {
    case "events":
      for (const text of part.texts) into.events.push(parseRow(text));
      return;
    case "final":
      for (const text of part.texts) into.final.push(...parseFinalTexts(text));
      return;
    case "live":
      part.texts.forEach((text, index) => into.live.push(parseLive(text, part.bodies[index])));
      return;
    default:
      return unreachable(part.table);
  }
}

function parseRow(text: string): StoredRow {
  const { seq, epoch, at, type, version, task, body } = parseRowText(text);
  return { seq, epoch, at, type, version, task, body };
}

function parseLive(text: string, body = ""): SnapshotTask {
  const { id, status, digest, commit, final } = parseTaskText(text);
  return { id, status, digest, commit, final, body };
}

/** The sources run as they are and, compiled, from `dist`: the thread is what this file is. */
function threadFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./thread.${extension}`, import.meta.url);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function lost(message: string): Opened {
  return { op: "opened", problem: { kind: "io", message }, snapshot: null };
}

function idsOf(reply: Reply): readonly number[] {
  if (reply.op === "read" || reply.op === "history") return [reply.id];
  return reply.op === "done" || reply.op === "bug" ? reply.ids : [];
}

function doneOr(reply: Reply): JournalResult<null> {
  if (reply.op === "bug") throw new Error(reply.message);
  if (reply.op !== "done" || reply.problem === null) return done;
  return { ok: false, problem: reply.problem };
}

function readOr<Value>(
  reply: Reply,
  value: (body: string | null, texts: readonly string[]) => Value,
): JournalResult<Value> {
  if (reply.op === "read") return { ok: true, value: value(reply.body, reply.texts) };
  const failed = doneOr(reply);
  if (failed.ok) throw new Error("a read was answered without rows");
  return failed;
}

/** Fields before the body are lines of the text that is hashed (chain.ts). */
function refuseUnfit(rows: readonly JournalRow[]): void {
  const first = rows[0]?.seq ?? 0;
  rows.forEach((row, index) => {
    const whole = [row.seq, row.at, row.version].every(Number.isSafeInteger);
    if (row.seq !== first + index || !whole)
      throw new Error(`event ${row.seq} is not in order, or a number of it is not whole`);
    if (row.type === "" || row.type.includes("\n") || row.task === "" || row.task?.includes("\n"))
      throw new Error(`event ${row.seq}: its type and its task must be one line each`);
  });
}

function fitTaskText(task: SnapshotTask): string {
  const text = taskText(task);
  if (task.id === "" || text.split("\n").length !== 5)
    throw new Error(`task ${JSON.stringify(task.id)}: its fields must be one line each`);
  return text;
}

function bodyOf(task: SnapshotTask): string {
  return task.body;
}
