import type { DatabaseSync } from "node:sqlite";
import { failpointNow } from "../../system/failpoint.ts";

/**
 * The format of journal.db, version 2. One format version is one `user_version`; a change here is a
 * new version, and every older one stays readable: it is brought up to date by whoever writes next.
 * Version 1 had no chunks.
 *
 *     events   one row per event, for ever. `checksum` chains them (chain.ts), `previous` links the
 *              events of one task backwards.
 *     tasks    the snapshot, one row per task, updated in place. Small, so that 100,000 finished
 *              tasks load in a tenth of a second. `checksum` covers the row and the body's checksum,
 *              but not `head`: the seq of the task's last event, where the backward links start.
 *     bodies   the task as JSON, by the row number of `tasks`; read for live tasks and for `show`.
 *     meta     `epoch`: the supervisor that may write. `snapshot`: JSON `SnapshotMeta`. `state`: the
 *              rest of the snapshot. `chunk N`: tasks on their way into `tasks` (chunks.ts). Each
 *              with a checksum over name and value.
 *
 * The order of creation fixes the root pages (2, 3, …); they are compared at every start together
 * with the text of each statement, because a flipped root page would make SQLite write one table's
 * rows into another.
 */
export const applicationId = 0x6f726368;
export const formatVersion = 2;
/** The oldest that can still be read. */
export const oldestFormat = 1;
export const pageBytes = 4096;

export type SnapshotMeta = {
  readonly seq: number;
  /** The checksum of event `seq`: what the chain goes on from. */
  readonly chain: string;
  /** How many rows `tasks` holds, and all their checksums folded into one. */
  readonly rows: number;
  readonly digest: string;
  /** Heads of tasks that have events, and neither a row nor a chunk that knows of them. */
  readonly strays: readonly (readonly [task: string, seq: number])[];
  /** The numbers of the last chunk that is in `tasks`, and of the last one that counts. */
  readonly folded: number;
  readonly sealed: number;
  /** The checksums of the chunks between the two, folded into one. */
  readonly chunks: string;
};

const tables: readonly (readonly [name: string, columns: string])[] = [
  [
    "events",
    "(seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL, " +
      "version INTEGER NOT NULL, task TEXT, previous INTEGER, body TEXT NOT NULL, checksum BLOB NOT NULL) STRICT",
  ],
  [
    "tasks",
    "(row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, digest TEXT NOT NULL, " +
      "commit_oid TEXT, final INTEGER NOT NULL, head INTEGER NOT NULL, body_checksum BLOB NOT NULL, checksum BLOB NOT NULL) STRICT",
  ],
  ["bodies", "(row INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT"],
  [
    "meta",
    "(name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum BLOB NOT NULL) STRICT, WITHOUT ROWID",
  ],
];

/** The canonical text of an event row (chain.ts), built by SQLite. */
export const rowText =
  "seq || char(10) || epoch || char(10) || at || char(10) || type || char(10) || version || char(10) || " +
  "ifnull(task, '') || char(10) || ifnull(previous, '') || char(10) || body";

/** The canonical text of a row of `tasks` (snapshotRows.ts), built by SQLite. */
export const taskText =
  "id || char(10) || final || char(10) || status || char(10) || digest || char(10) || " +
  "ifnull(commit_oid, '') || char(10) || lower(hex(body_checksum))";

export function createSchema(db: DatabaseSync): void {
  db.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`);
  db.exec("BEGIN IMMEDIATE");
  for (const [name, columns] of tables) db.exec(`CREATE TABLE ${name}${columns}`);
  db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion};`);
  failpointNow("journal.schema", () => db.exec("COMMIT"));
}

/** What is wrong with the schema of an opened file; `null` when it is ours, byte for byte. */
export function schemaProblem(db: DatabaseSync): string | null {
  const found = db
    .prepare("SELECT name, ifnull(sql, '') AS sql, rootpage FROM sqlite_schema ORDER BY rowid")
    .all()
    .map((row) => `${String(row["rootpage"])} ${String(row["name"])} ${String(row["sql"])}`);
  const expected = expectedSchema();
  const wrong = expected.findIndex((line, index) => line !== found[index]);
  if (wrong < 0 && found.length === expected.length) return null;
  return `the schema differs at "${expected[Math.max(wrong, 0)]?.split(" ", 2).join(" ") ?? ""}"`;
}

/** Sets what a connection forgets: SQLite keeps only `journal_mode` and `page_size` in the file. */
export function configure(db: DatabaseSync): void {
  db.exec("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;");
  db.exec("PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -4000;");
}

function expectedSchema(): readonly string[] {
  const lines: string[] = [];
  let page = 2;
  for (const [name, columns] of tables) {
    lines.push(`${page++} ${name} CREATE TABLE ${name}${columns}`);
    if (columns.includes("UNIQUE")) lines.push(`${page++} sqlite_autoindex_${name}_1 `);
  }
  return lines;
}
