import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function rounded(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Number(value.toPrecision(4))]),
  );
}

const probes = 100;

/**
 * What the disk costs by itself, medians in ms, on the file system of `folder`: `fsync_ms` one
 * fdatasync of 200 appended bytes, `commit_ms` one SQLite transaction of 200 bytes, synced as the
 * journal does it (WAL, synchronous=FULL), in this process, without a thread or a checksum.
 */
export function diskFigures(folder: string): { fsync_ms: number; commit_ms: number } {
  return { fsync_ms: singleSyncMs(folder), commit_ms: singleCommitMs(folder) };
}

function singleSyncMs(folder: string): number {
  const file = join(folder, "sync-probe");
  const fd = openSync(file, "a");
  const line = Buffer.alloc(200, 46);
  const times = timed(() => {
    writeSync(fd, line);
    fdatasyncSync(fd);
  });
  closeSync(fd);
  rmSync(file);
  return percentile(times, 0.5);
}

function singleCommitMs(folder: string): number {
  const file = join(folder, "commit-probe.db");
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE probe (body TEXT)");
  const insert = db.prepare("INSERT INTO probe VALUES (?)");
  const times = timed(() => insert.run("x".repeat(200)));
  db.close();
  rmSync(file);
  return percentile(times, 0.5);
}

function timed(run: () => unknown): number[] {
  return Array.from({ length: probes }, () => {
    const begun = performance.now();
    run();
    return performance.now() - begun;
  });
}
