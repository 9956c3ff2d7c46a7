import type { DatabaseSync, StatementSync } from "node:sqlite";

import { checksumOf, xorChecksums } from "./chain.ts";
import type { Checksum } from "./chain.ts";
import { writeMeta } from "./metaRows.ts";
import { Damage } from "./problems.ts";
import { taskText } from "./schema.ts";
import type { SnapshotMeta } from "./schema.ts";
import { columns, prepared, provenBody } from "./verify.ts";

/** Tasks as `taskText` of protocol.ts writes them, with their bodies beside them. */
export type StagedTasks = { readonly texts: readonly string[]; readonly bodies: readonly string[] };

type StagedSnapshot = StagedTasks & { readonly seq: number; readonly state: string };

/**
 * Writes the rows of a snapshot that changed, and the one row of `meta` that says which seq they
 * belong to, in the same transaction: a crash leaves the snapshot before, whole.
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
  #meta: SnapshotMeta;

  constructor(db: DatabaseSync, meta: SnapshotMeta) {
    this.#db = db;
    this.#meta = meta;
    this.#find = prepared(db, "SELECT row, lower(hex(checksum)) FROM tasks WHERE id = ?");
    this.#insert = db.prepare(
      "INSERT INTO tasks (status, digest, commit_oid, final, body_checksum, checksum, head, id) " +
        "VALUES (?, ?, ?, ?, unhex(?), unhex(?), ifnull(?, 0), ?)",
    );
    this.#update = db.prepare(
      "UPDATE tasks SET status = ?, digest = ?, commit_oid = ?, final = ?, " +
        "body_checksum = unhex(?), checksum = unhex(?), head = ifnull(?, head) WHERE row = ?",
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

  /** `heads`: the last event of each task that had one since the snapshot before. */
  write(snapshot: StagedSnapshot, heads: ReadonlyMap<string, number>): SnapshotMeta {
    const { seq, state, texts, bodies } = snapshot;
    const unsaved = new Map(heads);
    let { rows, digest } = this.#meta;
    texts.forEach((text, index) => {
      const id = text.slice(0, text.indexOf("\n"));
      const before = this.#writeRow(text, bodies[index] ?? "", heads.get(id) ?? null);
      unsaved.delete(id);
      if (before.old === null) rows += 1;
      else digest = xorChecksums(digest, before.old);
      digest = xorChecksums(digest, before.now);
    });
    // Events of tasks that did not change, or were never in a snapshot.
    const strays = [...unsaved].filter(([id, head]) => this.#moveHead.run(head, id).changes === 0);
    const chain = this.#chainAt.get(seq)?.["chain"];
    if (typeof chain !== "string") throw new Damage("events", `event ${seq} is missing`);
    const meta = { seq, chain, rows, digest, strays };
    writeMeta(this.#db, "snapshot", JSON.stringify(meta));
    writeMeta(this.#db, "state", state);
    return meta;
  }

  /** To be called once what `write` returned is committed. */
  keep(meta: SnapshotMeta): void {
    this.#meta = meta;
  }

  /** The body of a task; `null` when no snapshot has it. */
  bodyOf(id: string): string | null {
    const found = this.#read.get(id);
    if (found === undefined) return null;
    const [text, checksum, body] = columns(found);
    if (checksumOf(String(text)) !== checksum)
      throw new Damage("tasks", `task ${id} does not fit its checksum`);
    return provenBody(String(text), body);
  }

  #writeRow(
    unsigned: string,
    body: string,
    head: number | null,
  ): { readonly old: Checksum | null; readonly now: Checksum } {
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
