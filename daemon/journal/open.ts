import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { refuseForeignFile } from "./fileHeader.ts";
import { MarkFile, markPath, readMark } from "./mark.ts";
import type { Mark } from "./mark.ts";
import { readEpoch, writeMeta } from "./metaRows.ts";
import { Damage, JournalFault, classify } from "./problems.ts";
import { configure, createSchema, formatVersion } from "./schema.ts";
import { setAside } from "./setAside.ts";
import { refuseDamagedWal, verify } from "./verify.ts";
import type { Deliver, Verified } from "./verify.ts";
import { failpointNow } from "../../system/failpoint.ts";

/**
 * Opens a journal in three steps, of which only the last writes:
 *
 *     look       file header and write-ahead log as bytes, before SQLite touches them
 *     verify     read-only: schema, epoch, events behind the snapshot, mark, snapshot rows
 *     claim      read-write: put our epoch in, if nothing changed in between
 *
 * Whatever does not fit in the first two is damage: it is copied aside, and the journal stays as it is.
 */
export type Opened = {
  readonly db: DatabaseSync;
  readonly mark: MarkFile;
  readonly verified: Verified;
};

const busyMs = 5_000;
const walLeftBytesMax = 16 * 1024 * 1024;

/** @throws JournalFault */
export function openFiles(path: string, epoch: number, deliver: Deliver): Opened {
  makePrivate(path);
  const mark = readMark(markPath(path));
  const verified = refusingDamage(path, mark, () => {
    if (isNew(path, mark)) create(path, epoch);
    if (sizeOf(path) === null) throw new Damage("file", "journal.db is missing");
    refuseForeignFile(path);
    refuseDamagedWal(`${path}-wal`);
    return verify(path, epoch, mark, deliver);
  });
  const db = claim(path, epoch, verified);
  const marked = { seq: verified.last.seq, epoch, chain: verified.last.chain };
  return { db, mark: new MarkFile(markPath(path), marked), verified };
}

function refusingDamage(path: string, mark: Mark | null, look: () => Verified): Verified {
  try {
    return look();
  } catch (error) {
    const found = classify(error);
    if (found.kind !== "damage") throw error;
    const report = setAside(path, found.damage, mark?.seq ?? null);
    throw new JournalFault({ kind: "damaged", report });
  }
}

function makePrivate(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  chmodSync(dirname(path), 0o700);
  for (const file of [path, `${path}-wal`, `${path}-shm`, markPath(path)])
    if (sizeOf(file) !== null) chmodSync(file, 0o600);
}

/** Nothing was ever acknowledged here. A log or a mark without its journal is damage, not a new start. */
function isNew(path: string, mark: Mark | null): boolean {
  return (sizeOf(path) ?? 0) === 0 && (sizeOf(`${path}-wal`) ?? 0) === 0 && (mark?.seq ?? 0) === 0;
}

/** Made whole under another name first, so that a journal never exists by half. */
function create(path: string, epoch: number): void {
  const folder = dirname(path);
  const unfinished = `${basename(path)}.new`;
  for (const name of readdirSync(folder))
    if (name.startsWith(unfinished))
      failpointNow("journal.clear", () => rmSync(join(folder, name)));
  const made = join(folder, unfinished);
  closeSync(openSync(made, "wx", 0o600));
  const db = new DatabaseSync(made);
  try {
    createSchema(db);
    writeMeta(db, "epoch", String(epoch));
  } finally {
    db.close();
  }
  failpointNow("journal.made", () => syncPath(made));
  failpointNow("journal.rename", () => renameSync(made, path));
  failpointNow("journal.folder", () => syncPath(folder));
  failpointNow("journal.folderAbove", () => syncPath(dirname(folder)));
}

function claim(path: string, epoch: number, verified: Verified): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyMs });
  try {
    configure(db);
    // Checkpoints are made by hand (store.ts): SQLite ignores the errors of its own.
    db.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${walLeftBytesMax};`);
    db.exec("BEGIN IMMEDIATE");
    const now = readEpoch(db);
    const last = db.prepare("SELECT ifnull(max(seq), 0) AS seq FROM events").get()?.["seq"];
    if (now !== verified.epoch || last !== verified.last.seq)
      throw new JournalFault({ kind: "fenced", epoch: now });
    if (now !== epoch) writeMeta(db, "epoch", String(epoch));
    db.exec(`PRAGMA user_version = ${formatVersion}`);
    failpointNow("journal.epoch", () => db.exec("COMMIT"));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

function syncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
