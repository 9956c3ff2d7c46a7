import type { DatabaseSync, StatementSync } from "node:sqlite";

import { idIn } from "./chunks.ts";
import { EventRows } from "./eventRows.ts";
import { HistoryRows } from "./history.ts";
import type { MarkFile } from "./mark.ts";
import type { Opened } from "./open.ts";
import { JournalFault, classify } from "./problems.ts";
import type { AppendRequest } from "./protocol.ts";
import { pageBytes } from "./schema.ts";
import { SnapshotRows } from "./snapshotRows.ts";
import type { StagedTasks } from "./snapshotRows.ts";
import type { Position } from "./verify.ts";
import { failpointNow } from "../../system/failpoint.ts";

const checkpointPages = 1_000;
const overduePages = 2 * checkpointPages;
/** Beyond that a chunk is folded for each one that is written; a start reads them all. */
const waitingChunksMax = 200;

/**
 * The opened journal, in its thread. Every write is one transaction that first looks whether this
 * epoch is still the one that may write, and every transaction is synced when `COMMIT` returns.
 *
 * SQLite would bring the write-ahead log over into the file by itself, and would ignore it when that
 * fails; but after a failed sync the pages are gone from the cache, and the next sync says all is well
 * (https://lwn.net/Articles/752063/). So it is done here, and its failure ends the supervisor.
 */
export class Store {
  readonly #db: DatabaseSync;
  readonly #mark: MarkFile;
  readonly #epoch: string;
  readonly #events: EventRows;
  readonly #snapshots: SnapshotRows;
  readonly #epochNow: StatementSync;
  readonly #history: HistoryRows;
  /** About how many pages the log holds that the file does not. */
  #pagesLogged = 0;

  constructor(epoch: number, opened: Opened) {
    const { db, mark, verified } = opened;
    this.#db = db;
    this.#mark = mark;
    this.#epoch = String(epoch);
    this.#events = new EventRows(db, epoch, verified.last, verified.heads);
    this.#snapshots = new SnapshotRows(db, verified.meta, verified.unfolded);
    this.#history = new HistoryRows(db, {
      revision: () => this.#snapshots.revision,
      bodyOf: (id) => this.#snapshots.bodyOf(id),
      headOf: (id) => this.#events.headOf(id),
    });
    this.#epochNow = db.prepare("SELECT value FROM meta WHERE name = 'epoch'");
  }

  get last(): Position {
    return this.#events.last;
  }

  get rows(): EventRows {
    return this.#events;
  }

  get history(): HistoryRows {
    return this.#history;
  }

  bodyOf(task: string): string | null {
    return this.#snapshots.bodyOf(task);
  }

  /** Keeps all batches or none; they follow each other and `last` without a gap. */
  append(batches: readonly AppendRequest[]): void {
    const bytes = this.#transaction(
      () => this.#events.insert(batches),
      () => failpointNow("journal.commit", () => this.#commitNow()),
    );
    this.#events.keep();
    this.#pagesLogged += 2 + bytes / pageBytes;
    this.#noteMark();
  }

  /**
   * The batch is committed, so it must not be refused any more: a file system that writes nothing in
   * place may have no space even for this, and then the mark stays late, which it may be.
   */
  #noteMark(): void {
    const mark = { ...this.#events.last, epoch: Number(this.#epoch) };
    try {
      failpointNow("journal.mark", () => this.#mark.noteMark(mark));
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }

  /** Writes one chunk of the snapshot `of`, which counts once it is sealed (chunks.ts). */
  stage(of: number, tasks: StagedTasks): void {
    const bytes = this.#transaction(
      () => this.#snapshots.stage(of, tasks, this.#events.heads),
      () => failpointNow("journal.chunk", () => this.#commitNow()),
    );
    this.#pagesLogged += 3 + bytes / pageBytes;
    if (this.#snapshots.waiting > waitingChunksMax) this.foldOne();
  }

  /** Makes `seq` (at most `last.seq`) the seq of the snapshot, with the chunks of `of`. */
  seal(of: number, seq: number, state: string): void {
    if (seq > this.last.seq || seq < this.#snapshots.seq)
      throw new Error(`no snapshot at event ${seq}: it must lie behind the one before, and exist`);
    const { heads } = this.#events;
    const sealed = this.#transaction(
      () => this.#snapshots.seal(of, seq, state, heads),
      () => failpointNow("journal.snapshot", () => this.#commitNow()),
    );
    this.#snapshots.keepSealed(sealed);
    for (const id of sealed.moved) this.#events.forgetHead(id, heads.get(id) ?? 0);
    this.#pagesLogged += 3 + state.length / pageBytes;
  }

  /** Nothing of the snapshot waits in chunks. */
  get isFolded(): boolean {
    return this.#snapshots.waiting === 0;
  }

  /** Brings one chunk over into the rows; `false` when there is none left. */
  foldOne(): boolean {
    if (this.#snapshots.waiting === 0) return false;
    const folded = this.#transaction(
      () => this.#snapshots.fold(),
      () => failpointNow("journal.fold", () => this.#commitNow()),
    );
    this.#snapshots.keepFolded(folded);
    for (const [text, head] of folded.tasks) this.#events.forgetHead(idIn(text), head);
    // Each task touches a page of the index of `tasks`; rows and bodies lie close together.
    this.#pagesLogged += 3 + 1.5 * folded.tasks.length;
    return true;
  }

  /** Brings the log over into the file once it is long; while others wait, only when it is very long. */
  checkpointIfDue({ idle }: { readonly idle: boolean }): void {
    if (this.#pagesLogged < (idle ? checkpointPages : overduePages)) return;
    this.#pagesLogged = 0;
    this.#checkpoint();
  }

  close(): void {
    this.#checkpoint();
    failpointNow("journal.markSync", () => this.#mark.syncMark());
    // Closing the last connection removes the write-ahead log.
    failpointNow("journal.close", () => this.#db.close());
    this.#mark[Symbol.dispose]();
  }

  /** Not having space for it is no fault: everything stays in the log. */
  #checkpoint(): void {
    try {
      failpointNow("journal.checkpoint", () => this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)"));
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }

  /** `commit` is `#commitNow` in a failpoint of the caller's. */
  #transaction<Value>(write: () => Value, commit: () => void): Value {
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      this.#refuseOtherEpoch();
      const value = write();
      commit();
      return value;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #commitNow(): void {
    this.#db.exec("COMMIT");
  }

  #refuseOtherEpoch(): void {
    const found = String(this.#epochNow.get()?.["value"]);
    if (found !== this.#epoch) throw new JournalFault({ kind: "fenced", epoch: Number(found) });
  }
}

function isFull(error: unknown): boolean {
  const found = classify(error);
  return found.kind === "problem" && found.problem.kind === "full";
}
