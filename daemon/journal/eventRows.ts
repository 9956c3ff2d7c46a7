import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";

import { chainChecksum, noChecksum, parseRowText, rowText } from "./chain.ts";
import type { Checksum } from "./chain.ts";
import { Damage } from "./problems.ts";
import type { AppendRequest } from "./protocol.ts";
import { rowText as rowTextSql } from "./schema.ts";
import { columns, prepared } from "./verify.ts";
import type { Position } from "./verify.ts";

/** What a row takes in the file beside its body, about. */
const rowBytes = 100;

/**
 * Writes events and reads them back. Where the chain ends, and the last event of each task, are kept
 * in memory; `insert` works on copies that `keep` makes true once the transaction is committed.
 */
export class EventRows {
  readonly #epoch: number;
  readonly #insert: StatementSync;
  readonly #head: StatementSync;
  readonly #row: StatementSync;
  readonly #range: StatementSync;
  #last: Position;
  #next: Position;
  readonly #heads: Map<string, number>;
  readonly #nextHeads = new Map<string, number>();

  constructor(db: DatabaseSync, epoch: number, last: Position, heads: ReadonlyMap<string, number>) {
    this.#epoch = epoch;
    this.#last = last;
    this.#next = last;
    this.#heads = new Map(heads);
    this.#insert = db.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, unhex(?))");
    this.#head = db.prepare("SELECT head FROM tasks WHERE id = ?");
    this.#row = prepared(
      db,
      `SELECT ${rowTextSql}, lower(hex(checksum)), ` +
        "(SELECT lower(hex(before.checksum)) FROM events AS before WHERE before.seq = events.seq - 1) " +
        "FROM events WHERE seq = ?",
    );
    this.#range = prepared(
      db,
      `SELECT ${rowTextSql}, lower(hex(checksum)) FROM events WHERE seq >= ? ORDER BY seq LIMIT ?`,
    );
  }

  get last(): Position {
    return this.#last;
  }

  /** Returns about how many bytes that adds to the file. */
  insert(batches: readonly AppendRequest[]): number {
    this.#next = this.#last;
    this.#nextHeads.clear();
    let bytes = 0;
    for (const batch of batches)
      for (let index = 0; index < batch.at.length; index += 1)
        bytes += this.#insertRow(batch, index);
    return bytes;
  }

  keep(): void {
    this.#last = this.#next;
    for (const [task, seq] of this.#nextHeads) this.#heads.set(task, seq);
    this.#nextHeads.clear();
  }

  /** Every task with an event that its row in `tasks` does not know of (yet). */
  get heads(): ReadonlyMap<string, number> {
    return this.#heads;
  }

  /** Its row knows of `head` now. */
  forgetHead(task: string, head: number): void {
    if (this.#heads.get(task) === head) this.#heads.delete(task);
  }

  /** The texts of all events of a task, oldest first, found by following `previous` from its head. */
  ofTask(task: string): readonly string[] {
    const texts: string[] = [];
    let seq = this.headOf(task);
    while (seq !== 0) {
      const [text, stored, before] = columns(this.#row.get(seq));
      if (typeof text !== "string" || chainChecksum(orFirst(before), text) !== stored)
        throw new Damage("events", `event ${seq} of task ${task} does not fit its checksum`);
      const row = parseRowText(text);
      if (row.task !== task || row.previous === null || row.previous >= seq)
        throw new Damage("events", `event ${seq} does not belong to task ${task}`);
      texts.push(text);
      seq = row.previous;
    }
    return texts.toReversed();
  }

  /** The texts of at most `max` events from `from` on. */
  range(from: number, max: number): readonly string[] {
    const start = Math.max(1, from);
    const expected = Math.max(0, Math.min(max, this.#last.seq - start + 1));
    let chain = orFirst(columns(this.#row.get(start))[2]);
    const texts = this.#range.all(start, expected).map((found, index) => {
      const [text, stored] = columns(found);
      chain = chainChecksum(chain, String(text));
      if (chain !== stored)
        throw new Damage("events", `event ${start + index} does not fit its checksum`);
      return String(text);
    });
    if (texts.length < expected)
      throw new Damage("events", `event ${start + texts.length} is missing`);
    return texts;
  }

  #insertRow(batch: AppendRequest, index: number): number {
    const seq = this.#next.seq + 1;
    const task = batch.task[index] ?? null;
    const row = {
      seq,
      epoch: this.#epoch,
      at: batch.at[index] ?? 0,
      type: batch.type[index] ?? "",
      version: batch.version[index] ?? 0,
      task,
      previous: task === null ? null : this.headOf(task),
      body: batch.body[index] ?? "",
    };
    const chain = chainChecksum(this.#next.chain, rowText(row));
    const { epoch, at, type, version, previous, body } = row;
    this.#insert.run(seq, epoch, at, type, version, task, previous, body, chain);
    this.#next = { seq, chain };
    if (task !== null) this.#nextHeads.set(task, seq);
    return rowBytes + body.length;
  }

  /** The seq of the last event of a task; 0 when it has none. */
  headOf(task: string): number {
    const known = this.#nextHeads.get(task) ?? this.#heads.get(task);
    return known ?? Number(this.#head.get(task)?.["head"] ?? 0);
  }
}

/** Event 1 has none before it. */
function orFirst(before: SQLOutputValue | undefined): Checksum {
  return typeof before === "string" ? before : noChecksum;
}
