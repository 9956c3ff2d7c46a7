import type { DatabaseSync, StatementSync } from "node:sqlite";

import { checksumOf, noChecksum, xorChecksums } from "./chain.ts";
import type { Checksum } from "./chain.ts";
import { chunkName, idIn, packChunk, readChunk } from "./chunks.ts";
import type { ChunkPlace, ChunkTask, Unfolded } from "./chunks.ts";
import { removeMeta, writeMeta } from "./metaRows.ts";
import { Damage } from "./problems.ts";
import { taskText } from "./schema.ts";
import type { SnapshotMeta } from "./schema.ts";
import { columns, prepared, provenBody } from "./verify.ts";

/** Tasks as `taskText` of protocol.ts writes them, with their bodies beside them. */
export type StagedTasks = { readonly texts: readonly string[]; readonly bodies: readonly string[] };

type Heads = ReadonlyMap<string, number>;

/** What `seal` wrote, and the tasks whose row now knows their last event. */
type Sealed = { readonly meta: SnapshotMeta; readonly moved: readonly string[] };
/** What `fold` wrote, and what it put into rows. */
type Folded = { readonly meta: SnapshotMeta; readonly tasks: readonly ChunkTask[] };

/**
 * Writes snapshots as chunks.ts describes them. Every method but `keep…` runs inside a transaction of
 * its own, and what it returns becomes true with `keep…`, once that is committed.
 */
export class SnapshotRows {
  readonly #db: DatabaseSync;
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #moveHead: StatementSync;
  readonly #saveBody: StatementSync;
  readonly #chainAt: StatementSync;
  readonly #read: StatementSync;
  readonly #unfolded: Unfolded;
  #meta: SnapshotMeta;
  #open = { of: -1, last: 0, digest: noChecksum, tasks: new Map<string, ChunkPlace>() };

  constructor(db: DatabaseSync, meta: SnapshotMeta, unfolded: Unfolded) {
    this.#db = db;
    this.#meta = meta;
    this.#unfolded = unfolded;
    this.#find = prepared(db, "SELECT row, lower(hex(checksum)) FROM tasks WHERE id = ?");
    this.#insert = db.prepare(
      "INSERT INTO tasks (status, digest, commit_oid, final, body_checksum, checksum, head, id) " +
        "VALUES (?, ?, ?, ?, unhex(?), unhex(?), ?, ?)",
    );
    this.#update = db.prepare(
      "UPDATE tasks SET status = ?, digest = ?, commit_oid = ?, final = ?, " +
        "body_checksum = unhex(?), checksum = unhex(?), head = max(?, head) WHERE row = ?",
    );
    this.#moveHead = db.prepare("UPDATE tasks SET head = ? WHERE id = ?");
    this.#saveBody = db.prepare(
      "INSERT INTO bodies VALUES (?, ?) ON CONFLICT (row) DO UPDATE SET body = excluded.body",
    );
    this.#chainAt = db.prepare("SELECT lower(hex(checksum)) AS chain FROM events WHERE seq = ?");
    this.#read = prepared(
      db,
      `SELECT ${taskText}, lower(hex(checksum)), body FROM tasks LEFT JOIN bodies USING (row) WHERE id = ?`,
    );
  }

  get seq(): number {
    return this.#meta.seq;
  }

  /** Goes up whenever rows may have changed. */
  get revision(): number {
    return this.#meta.seq + this.#meta.folded;
  }

  /** Chunks that are waiting to be folded. */
  get waiting(): number {
    return this.#meta.sealed - this.#meta.folded;
  }

  /**
   * Writes one chunk of the snapshot `of`; a new number of that begins anew, over what an unfinished
   * one left. Returns about how many bytes that adds.
   */
  stage(of: number, { texts, bodies }: StagedTasks, heads: Heads): number {
    this.#begin(of);
    const open = this.#open;
    open.last += 1;
    const tasks = texts.map((text, index): ChunkTask => {
      const id = idIn(text);
      const head = heads.get(id) ?? 0;
      open.tasks.set(id, { chunk: open.last, head });
      return [text, head, bodies[index] ?? ""];
    });
    const value = packChunk(tasks);
    const checksum = writeMeta(this.#db, chunkName(open.last), value);
    open.digest = xorChecksums(open.digest, checksum);
    return value.length;
  }

  /** Makes the chunks of the snapshot `of` count, all at once. `heads`: see eventRows.ts. */
  seal(of: number, seq: number, state: string, heads: Heads): Sealed {
    this.#begin(of);
    const chain = this.#chainAt.get(seq)?.["chain"];
    if (typeof chain !== "string") throw new Damage("events", `event ${seq} is missing`);
    const { last: sealed, digest } = this.#open;
    const chunks = xorChecksums(this.#meta.chunks, digest);
    const { moved, strays } = this.#moveHeads(seq, heads);
    const meta: SnapshotMeta = { ...this.#meta, seq, chain, sealed, chunks, strays };
    writeMeta(this.#db, "snapshot", JSON.stringify(meta));
    writeMeta(this.#db, "state", state);
    return { meta, moved };
  }

  keepSealed({ meta }: Sealed): void {
    this.#meta = meta;
    for (const [id, place] of this.#open.tasks) this.#unfolded.set(id, place);
    this.#open = { of: -1, last: 0, digest: noChecksum, tasks: new Map() };
  }

  /** Brings the oldest chunk over into `tasks` and `bodies`; what a later chunk has again is left to that. */
  fold(): Folded {
    const number = this.#meta.folded + 1;
    const { tasks: all, checksum } = readChunk(this.#db, number);
    const tasks = all.filter(([text]) => this.#unfolded.get(idIn(text))?.chunk === number);
    let { rows, digest } = this.#meta;
    for (const task of tasks) {
      const { old, now } = this.#writeRow(task);
      if (old === null) rows += 1;
      else digest = xorChecksums(digest, old);
      digest = xorChecksums(digest, now);
    }
    const chunks = xorChecksums(this.#meta.chunks, checksum);
    const meta = { ...this.#meta, folded: number, chunks, rows, digest };
    removeMeta(this.#db, chunkName(number));
    writeMeta(this.#db, "snapshot", JSON.stringify(meta));
    return { meta, tasks };
  }

  keepFolded({ meta, tasks }: Folded): void {
    this.#meta = meta;
    for (const [text] of tasks) this.#unfolded.delete(idIn(text));
  }

  /** The body of a task; `null` when no snapshot has it. */
  bodyOf(id: string): string | null {
    const place = this.#unfolded.get(id);
    if (place !== undefined) return this.#bodyInChunk(id, place.chunk);
    const found = this.#read.get(id);
    if (found === undefined) return null;
    const [text, checksum, body] = columns(found);
    if (checksumOf(String(text)) !== checksum)
      throw new Damage("tasks", `task ${id} does not fit its checksum`);
    return provenBody(String(text), body);
  }

  #begin(of: number): void {
    if (this.#open.of === of) return;
    this.#open = { of, last: this.#meta.sealed, digest: noChecksum, tasks: new Map() };
  }

  /** Events up to `seq` of tasks that did not change, or were never in a snapshot. */
  #moveHeads(seq: number, heads: Heads): { moved: string[]; strays: SnapshotMeta["strays"] } {
    const moved: string[] = [];
    const strays: (readonly [string, number])[] = [];
    for (const [id, head] of heads) {
      const place = this.#open.tasks.get(id) ?? this.#unfolded.get(id);
      if (head > seq || place?.head === head) continue;
      if (this.#moveHead.run(head, id).changes > 0 && place === undefined) moved.push(id);
      else strays.push([id, head]);
    }
    return { moved, strays };
  }

  #bodyInChunk(id: string, chunk: number): string {
    const { tasks } = readChunk(this.#db, chunk);
    const found = tasks.findLast(([text]) => idIn(text) === id);
    if (found === undefined) throw new Damage("tasks", `task ${id} is not in its chunk`);
    return found[2];
  }

  #writeRow([unsigned, head, body]: ChunkTask): { readonly old: Checksum | null; now: Checksum } {
    const bodyChecksum = checksumOf(body);
    const [id = "", final, status = "", digest = "", commit] = unsigned.split("\n");
    const now = checksumOf(`${unsigned}\n${bodyChecksum}`);
    const [row, old] = columns(this.#find.get(id));
    const values = [
      status,
      digest,
      commit || null,
      Number(final),
      bodyChecksum,
      now,
      head,
    ] as const;
    if (typeof row === "number") this.#update.run(...values, row);
    const number = typeof row === "number" ? row : this.#insert.run(...values, id).lastInsertRowid;
    this.#saveBody.run(number, body);
    return { old: typeof old === "string" ? old : null, now };
  }
}
