import { closeSync, mkdirSync, openSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fail, failure, ok } from "../../ipc/errors.ts";
import type { ErrorCode, Failure, Result } from "../../ipc/errors.ts";
import { readHolder } from "../../system/holder.ts";
import { removeHolder, writeHolder } from "./holder.ts";
import { systemFailure, whyNotOpened } from "../../system/systemFailure.ts";
import type { Announcement } from "./holder.ts";
import { failpointNow } from "../../system/failpoint.ts";

/**
 * One supervisor per repository: an exclusive lock on `supervisor.db`, held from start to end.
 *
 *     BEGIN EXCLUSIVE ─► locking_mode = EXCLUSIVE ─► epoch + 1 ─► COMMIT ─► (the lock stays) ─► close
 *
 * In that mode SQLite keeps the file's lock when a transaction ends, so there is no gap. The kernel
 * drops it when the process dies, however it dies; a stopped process keeps it. So nobody ever has to
 * judge whether a lock is stale. The mode is set only after `BEGIN`: a connection that has it and
 * does not get the lock would keep a shared one, and several that start at once would shut out each other.
 *
 * The *epoch* numbers the holders, and never falls: it is one more than the highest that any witness
 * knows (this file, `supervisor.json`, and what the caller knows from the journal).
 *
 * It is a POSIX lock: when this process opens the file a second time, by any means, and closes it,
 * the lock is gone. Nothing else in the supervisor may open `supervisor.db`; looking at it with `stat` is fine.
 *
 * A file that is no database any more is emptied in place and not replaced: whoever has its lock keeps
 * it that way. A file that was deleted under a living holder is noticed by `supervisor.json`.
 */
export class SupervisorLock {
  readonly stateDir: string;
  /** False: the file is new, and the epoch is only what other witnesses know. */
  readonly remembered: boolean;
  readonly #db: DatabaseSync;
  readonly #inode: number;
  #epoch: number;

  /** Use `takeSupervisorLock`. */
  constructor(
    stateDir: string,
    db: DatabaseSync,
    { epoch, remembered }: { readonly epoch: number; readonly remembered: boolean },
  ) {
    this.stateDir = stateDir;
    this.remembered = remembered;
    this.#db = db;
    this.#epoch = epoch;
    this.#inode = statSync(databasePath(stateDir)).ino;
    heldHere.add(stateDir);
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Moves on to an epoch above `atLeast`: for a journal that knows a higher one (it says `fenced`). */
  raise(atLeast: number): Result<number> {
    if (atLeast < this.#epoch) return ok(this.#epoch);
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      writeEpoch(this.#db, atLeast + 1);
      failpointNow("lock.raise", () => this.#db.exec("COMMIT"));
    } catch (error) {
      return fail(cannotLock(this.stateDir, error));
    }
    this.#epoch = atLeast + 1;
    return ok(this.#epoch);
  }

  /** False when somebody removed or replaced the file: then another supervisor could start beside us. */
  isIntact(): boolean {
    return statSync(databasePath(this.stateDir), { throwIfNoEntry: false })?.ino === this.#inode;
  }

  /** Takes back what `announce` wrote, then lets go. */
  release(): void {
    if (!this.#db.isOpen) return;
    removeHolder(this.stateDir, this.#epoch);
    this.#db.close();
    heldHere.delete(this.stateDir);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Two starters need a moment to see which of them is first; a holder is not waited for longer. */
const contentionMs = 100;
const noDatabaseCodes: ReadonlySet<number> = new Set([1, 11, 26]);
const busyCode = 5;
/** SQLITE_IOERR and SQLITE_FULL. */
const refusalCodes: ReadonlyMap<number, ErrorCode> = new Map([
  [10, "disk_failed"],
  [13, "disk_full"],
]);
const heldHere = new Set<string>();

/**
 * Takes the lock of the repository whose truth lies in `stateDir` (made, 0700, if it is not there).
 * `atLeast`: the highest epoch the journal is known to hold (`lastEpochMarked`).
 * Fails with `already_running`, naming the holder, or `refused`, `disk_full` or `disk_failed` when the
 * file cannot be used.
 */
export function takeSupervisorLock(
  stateDir: string,
  { atLeast = 0 }: { readonly atLeast?: number } = {},
): Result<SupervisorLock> {
  if (heldHere.has(stateDir)) return fail(alreadyRunning(process.pid));
  try {
    makeFile(stateDir);
    return lockOrRepair(stateDir, atLeast);
  } catch (error) {
    const ofTheMachine = systemFailure(error) ?? whyNotOpened(databasePath(stateDir));
    return fail(ofTheMachine ?? cannotLock(stateDir, error));
  }
}

/** Says in `supervisor.json` who holds the lock and where it listens; durable when it resolves. */
export async function announce(lock: SupervisorLock, said: Announcement): Promise<void> {
  await writeHolder(lock.stateDir, lock.epoch, said);
}

function lockOrRepair(stateDir: string, atLeast: number): Result<SupervisorLock> {
  try {
    return lock(stateDir, atLeast);
  } catch (error) {
    const code = codeOf(error);
    if (code === busyCode) return fail(alreadyRunning(livingHolder(stateDir)));
    if (code === null || !noDatabaseCodes.has(code)) throw error;
  }
  failpointNow("lock.repair", () => {
    rmSync(`${databasePath(stateDir)}-journal`, { force: true });
    truncateSync(databasePath(stateDir));
  });
  return lock(stateDir, atLeast);
}

function lock(stateDir: string, atLeast: number): Result<SupervisorLock> {
  const db = new DatabaseSync(databasePath(stateDir), { timeout: contentionMs });
  try {
    db.exec("PRAGMA synchronous = EXTRA");
    db.exec("BEGIN EXCLUSIVE");
    const holder = readHolder(stateDir);
    // We have the lock of this file, yet its holder lives: it holds that of a file which was deleted.
    if (holder !== null && holder.pid !== process.pid && holder.judgement === "alive") {
      db.close();
      return fail(alreadyRunning(holder.pid));
    }
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    const last = readEpoch(db);
    const epoch = Math.max(last, atLeast, holder?.epoch ?? 0) + 1;
    writeEpoch(db, epoch);
    failpointNow("lock.take", () => db.exec("COMMIT"));
    return ok(new SupervisorLock(stateDir, db, { epoch, remembered: last > 0 }));
  } catch (error) {
    db.close();
    throw error;
  }
}

/** 0 when the row is absent, or does not agree with itself. */
function readEpoch(db: DatabaseSync): number {
  db.exec(
    "CREATE TABLE IF NOT EXISTS epoch (row INTEGER PRIMARY KEY, value TEXT, again TEXT) STRICT",
  );
  const found = db.prepare("SELECT value, again FROM epoch WHERE row = 1").get();
  const epoch = Number(found?.["value"]);
  return found?.["value"] === found?.["again"] && Number.isSafeInteger(epoch) ? epoch : 0;
}

function writeEpoch(db: DatabaseSync, epoch: number): void {
  db.prepare("INSERT OR REPLACE INTO epoch VALUES (1, ?, ?)").run(String(epoch), String(epoch));
}

/** SQLite would make it readable for everybody. */
function makeFile(stateDir: string): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const path = databasePath(stateDir);
  if (statSync(path, { throwIfNoEntry: false }) === undefined)
    failpointNow("lock.file", () => closeSync(openSync(path, "a", 0o600)));
}

function databasePath(stateDir: string): string {
  return join(stateDir, "supervisor.db");
}

/** `null`: the holder has not said yet who it is; the name in the file is of the one before. */
function livingHolder(stateDir: string): number | null {
  const holder = readHolder(stateDir);
  return holder === null || holder.judgement === "dead" ? null : holder.pid;
}

function alreadyRunning(pid: number | null): Failure {
  const message =
    pid === null
      ? "Another supervisor of this repository is just starting."
      : `A supervisor of this repository is already running (pid ${pid}).`;
  return failure("already_running", message);
}

function cannotLock(stateDir: string, error: unknown): Failure {
  const why = error instanceof Error ? error.message : String(error);
  const code = refusalCodes.get(codeOf(error) ?? 0) ?? "refused";
  return failure(code, `The lock ${databasePath(stateDir)} cannot be used: ${why}.`);
}

/** The primary result code, when SQLite threw. */
function codeOf(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error)) return null;
  return typeof error.errcode === "number" ? error.errcode & 0xff : null;
}
