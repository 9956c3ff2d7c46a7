import { readFileSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { SQLOutputValue, StatementSync } from "node:sqlite";

import { chainChecksum, checksumOf, noChecksum, xorChecksums } from "./chain.ts";
import type { Checksum } from "./chain.ts";
import { idIn, readChunk } from "./chunks.ts";
import type { ChunkPlace, Unfolded } from "./chunks.ts";
import type { Mark } from "./mark.ts";
import { noChunks, readEpoch, readMeta, readSnapshotMeta } from "./metaRows.ts";
import { Damage, JournalFault } from "./problems.ts";
import { finalText, parseTaskText } from "./protocol.ts";
import type { RecoveredPart } from "./protocol.ts";
import { configure, pageBytes, rowText, schemaProblem, taskText } from "./schema.ts";
import type { SnapshotMeta } from "./schema.ts";
import { scanWal } from "./walScan.ts";

/**
 * Reads what a start needs (the snapshot and the events behind it), proves every row of it, and hands
 * it out part by part. The connection is read-only, so a journal that turns out to be damaged is left
 * as it was found: not even the write-ahead log is brought over.
 */
export type Verified = {
  readonly epoch: number;
  readonly last: Position;
  readonly meta: SnapshotMeta;
  readonly snapshot: { readonly seq: number; readonly state: string } | null;
  /** Task → seq of its last event, where `tasks` does not say so (yet). */
  readonly heads: ReadonlyMap<string, number>;
  readonly unfolded: Unfolded;
};

export type Position = { readonly seq: number; readonly chain: Checksum };

export type Deliver = (part: RecoveredPart) => void;

const rowsPerPart = 500;
const charactersPerPart = 128_000;
const noSnapshot: SnapshotMeta = {
  seq: 0,
  chain: noChecksum,
  rows: 0,
  digest: noChecksum,
  strays: [],
  ...noChunks,
};

export function refuseDamagedWal(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const scan = scanWal(readFileSync(path), pageBytes);
  if (scan.verdict !== "damaged") return;
  const which = scan.badFrame < 0 ? "the header" : `frame ${scan.badFrame}`;
  throw new Damage(
    "wal",
    `${which} of the write-ahead log is damaged, frame ${scan.proof} behind it is good`,
  );
}

export function verify(path: string, epoch: number, mark: Mark | null, deliver: Deliver): Verified {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    configure(db);
    return verifyDatabase(db, epoch, mark, deliver);
  } finally {
    db.close();
  }
}

/** The same with a connection of the caller's, which is configured. */
export function verifyDatabase(
  db: DatabaseSync,
  epoch: number,
  mark: Mark | null,
  deliver: Deliver,
): Verified {
  const wrong = schemaProblem(db);
  if (wrong !== null) throw new Damage("schema", wrong);
  const writer = readEpoch(db);
  if (writer > epoch) throw new JournalFault({ kind: "fenced", epoch: writer });
  const found = readSnapshotMeta(db);
  const meta = found ?? noSnapshot;
  const overlay = verifyChunks(db, meta);
  const heads = new Map<string, number>();
  for (const [id, { head }] of overlay) if (head > 0) heads.set(id, head);
  for (const [id, head] of meta.strays) heads.set(id, head);
  const last = verifyEvents(db, meta, heads, deliver);
  verifyMark(db, mark, last);
  verifyTasks(db, meta, overlay, deliver);
  const unfolded: Unfolded = new Map(
    [...overlay].map(([id, { chunk, head }]) => [id, { chunk, head }]),
  );
  const snapshot = found && { seq: found.seq, state: stateOf(db) };
  return { epoch: writer, last, meta, snapshot, heads, unfolded };
}

function stateOf(db: DatabaseSync): string {
  const state = readMeta(db, "state");
  if (state === null) throw new Damage("meta", "the state of the snapshot is missing");
  return state;
}

/** What lies over `tasks`: the newest of each task in chunks that count. */
type Overlay = ReadonlyMap<string, ChunkPlace & { readonly text: string; readonly body: string }>;

function verifyChunks(db: DatabaseSync, meta: SnapshotMeta): Overlay {
  const overlay = new Map<string, ChunkPlace & { readonly text: string; readonly body: string }>();
  let digest = noChecksum;
  for (let chunk = meta.folded + 1; chunk <= meta.sealed; chunk += 1) {
    const { tasks, checksum } = readChunk(db, chunk);
    digest = xorChecksums(digest, checksum);
    for (const [text, head, body] of tasks)
      overlay.set(idIn(text), { chunk, head, text, body: parseTaskText(text).final ? "" : body });
  }
  if (digest !== meta.chunks) throw new Damage("tasks", "a chunk of the snapshot is an old one");
  return overlay;
}

/** Puts the last event of each task behind the snapshot into `heads`. */
function verifyEvents(
  db: DatabaseSync,
  meta: SnapshotMeta,
  heads: Map<string, number>,
  deliver: Deliver,
): Position {
  if (meta.seq > 0) refuseWrongChecksum(db, meta.seq, meta.chain, "the snapshot");
  const parts = new Parts("events", deliver);
  let { seq, chain } = meta;
  const rows = prepared(
    db,
    `SELECT ${rowText}, lower(hex(checksum)), seq, task FROM events WHERE seq > ? ORDER BY seq`,
  ).iterate(meta.seq);
  for (const row of rows) {
    const [text, stored, found, task] = columns(row);
    chain = chainChecksum(chain, String(text));
    if (found !== seq + 1) throw new Damage("events", `event ${seq + 1} is missing`, seq);
    if (chain !== stored)
      throw new Damage("events", `event ${seq + 1} does not fit its checksum`, seq);
    seq += 1;
    // A flipped bit can make bytes of a text: they read the same, and their task would not find them.
    if (task !== null && typeof task !== "string")
      throw new Damage(
        "events",
        `event ${seq} names its task by something that is no text`,
        seq - 1,
      );
    if (task !== null) heads.set(task, seq);
    parts.add(String(text), null);
  }
  parts.flush();
  return { seq, chain };
}

function verifyMark(db: DatabaseSync, mark: Mark | null, last: Position): void {
  if (mark === null || mark.seq === 0) return;
  if (mark.seq > last.seq)
    throw new Damage(
      "mark",
      `events ${last.seq + 1} to ${mark.seq} were acknowledged and are missing`,
      last.seq,
    );
  refuseWrongChecksum(db, mark.seq, mark.chain, "the mark");
}

function refuseWrongChecksum(db: DatabaseSync, seq: number, chain: Checksum, who: string): void {
  const row = db
    .prepare("SELECT lower(hex(checksum)) AS checksum FROM events WHERE seq = ?")
    .get(seq);
  if (row?.["checksum"] !== chain)
    throw new Damage("events", `event ${seq} is not the one that ${who} names`);
}

function verifyTasks(
  db: DatabaseSync,
  meta: SnapshotMeta,
  overlay: Overlay,
  deliver: Deliver,
): void {
  const final = new Parts("final", deliver);
  const live = new Parts("live", deliver);
  const bodyOf = prepared(db, "SELECT body FROM bodies WHERE row = ?");
  let digest = noChecksum;
  let count = 0;
  const rows = prepared(
    db,
    `SELECT ${taskText}, lower(hex(checksum)), final, row, ` +
      "(SELECT row FROM tasks AS again WHERE again.id = tasks.id) FROM tasks ORDER BY row",
  ).iterate();
  for (const row of rows) {
    const [text, stored, isFinal, number, numberById] = columns(row);
    const task = String(text);
    const checksum = checksumOf(task);
    if (checksum !== stored) throw new Damage("tasks", `${nameOf(task)} does not fit its checksum`);
    // A task that its id does not find would be written a second time by the next snapshot.
    if (number !== numberById) throw new Damage("tasks", `${nameOf(task)} is not found by its id`);
    digest = xorChecksums(digest, checksum);
    count += 1;
    if (overlay.has(idIn(task))) continue;
    if (isFinal === 1) final.add(finalText(task), null);
    else live.add(task, provenBody(task, columns(bodyOf.get(number ?? null))[0]));
  }
  if (count !== meta.rows || digest !== meta.digest)
    throw new Damage("tasks", `the snapshot has ${count} of ${meta.rows} tasks, or old ones`);
  for (const { text, body } of overlay.values())
    if (parseTaskText(text).final) final.add(finalText(text), null);
    else live.add(text, body);
  final.flush();
  live.flush();
}

/** `text` ends with the checksum of the body. */
export function provenBody(text: string, body: SQLOutputValue | undefined): string {
  const checksum = text.slice(text.lastIndexOf("\n") + 1);
  if (typeof body === "string" && checksumOf(body) === checksum) return body;
  throw new Damage("tasks", `the body of ${nameOf(text)} does not fit its checksum`);
}

function nameOf(text: string): string {
  return `task ${idIn(text)}`;
}

/** A statement that returns rows as arrays, which is twice as fast as objects. */
export function prepared(db: DatabaseSync, sql: string): StatementSync {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

/** The types of node:sqlite do not know that rows may be arrays. */
export function columns(row: unknown): readonly (SQLOutputValue | undefined)[] {
  return Array.isArray(row) ? (row as readonly SQLOutputValue[]) : [];
}

/** Gathers rows into messages of a size that neither side notices. */
class Parts {
  readonly #table: RecoveredPart["table"];
  readonly #deliver: Deliver;
  #texts: string[] = [];
  #bodies: string[] = [];
  #characters = 0;

  constructor(table: RecoveredPart["table"], deliver: Deliver) {
    this.#table = table;
    this.#deliver = deliver;
  }

  add(text: string, body: string | null): void {
    this.#texts.push(text);
    if (body !== null) this.#bodies.push(body);
    this.#characters += text.length + (body?.length ?? 0);
    if (this.#texts.length >= rowsPerPart || this.#characters >= charactersPerPart) this.flush();
  }

  flush(): void {
    if (this.#texts.length === 0) return;
    this.#deliver({
      op: "recovered",
      table: this.#table,
      texts: this.#table === "final" ? [this.#texts.join("\n")] : this.#texts,
      bodies: this.#bodies,
    });
    [this.#texts, this.#bodies, this.#characters] = [[], [], 0];
  }
}
