import { expect } from "chai";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { scanWal } from "../../../../daemon/journal/walScan.ts";

const headerBytes = 32;
const frameBytes = 24 + 4096;
const commits = 6;

describe("scanWal", function () {
  // Thousands of scans, on a machine that may be busy with other things.
  this.timeout(60_000);
  /** A log of six commits, the last one of several frames; and the frame where that one begins. */
  let log: Buffer = Buffer.alloc(0);
  let lastCommit = 0;
  let frames = 0;

  before(() => {
    [log, lastCommit] = writeLog((db) => {
      for (let row = 1; row < commits; row += 1)
        db.prepare("INSERT INTO t VALUES (?, ?)").run(row, "x".repeat(300));
    });
    frames = (log.length - headerBytes) / frameBytes;
    expect(frames - lastCommit).to.be.greaterThan(2);
  });

  it("finds a log whole that SQLite wrote", () => {
    expect(scanWal(log)).to.deep.equal({ verdict: "whole", frames, commits });
  });

  it("finds no log in an empty file, nor in half a header", () => {
    expect(scanWal(log.subarray(0, 0))).to.deep.equal({ verdict: "empty" });
    expect(scanWal(log.subarray(0, 20))).to.deep.equal({ verdict: "empty" });
  });

  it("takes a flip anywhere before the last transaction for damage", () => {
    for (let at = 0; at < headerBytes + lastCommit * frameBytes; at += 1) {
      const scan = scanWal(flipped(log, at));
      const badFrame = Math.floor((at - headerBytes) / frameBytes);
      expect(scan, `byte ${at}`).to.include({
        verdict: "damaged",
        badFrame: Math.max(-1, badFrame),
      });
    }
  });

  it("takes a flip in the last transaction for a torn tail, for it cannot know better", () => {
    for (let at = headerBytes + lastCommit * frameBytes; at < log.length; at += 7) {
      const scan = scanWal(flipped(log, at));
      // A frame that claims to end a transaction makes the rest look like a later one.
      if (isSizeField(at)) expect(scan.verdict).to.be.oneOf(["torn", "damaged"]);
      else expect(scan, `byte ${at}`).to.include({ verdict: "torn", commits: commits - 1 });
    }
  });

  it("takes any cut behind the header for a torn tail, or for a shorter log", () => {
    for (let cut = headerBytes + 1; cut < log.length; cut += 13) {
      const scan = scanWal(log.subarray(0, cut));
      const whole = (cut - headerBytes) % frameBytes === 0;
      expect(scan.verdict, `cut at ${cut}`).to.equal(whole ? "whole" : "torn");
    }
  });

  it("takes a last transaction of which only the later pages reached the disk for torn", () => {
    const torn = Buffer.from(log);
    torn.fill(
      0,
      headerBytes + lastCommit * frameBytes,
      headerBytes + (lastCommit + 1) * frameBytes,
    );
    expect(scanWal(torn)).to.deep.equal({
      verdict: "torn",
      frames: lastCommit,
      commits: commits - 1,
    });
  });

  it("takes a file of zeros for torn: space that was given but never written", () => {
    expect(scanWal(Buffer.alloc(log.length)).verdict).to.equal("torn");
  });

  it("ignores frames left over from before the log was started again", () => {
    const [again] = writeLog((db) => {
      for (let row = 1; row < 9; row += 1)
        db.prepare("INSERT INTO t VALUES (?, ?)").run(row, "x".repeat(900));
      db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    });
    const scan = scanWal(again);
    expect(scan).to.include({ verdict: "whole", commits: 1 });
    expect(scan.verdict === "whole" && scan.frames * frameBytes + headerBytes).to.be.lessThan(
      again.length,
    );
  });

  function isSizeField(at: number): boolean {
    const inFrame = (at - headerBytes) % frameBytes;
    return inFrame >= 4 && inFrame < 8;
  }
});

/** Fills a table, then changes several of its pages in one transaction; returns the log before it is closed. */
function writeLog(fill: (db: DatabaseSync) => void): [log: Buffer, lastCommit: number] {
  const folder = mkdtempSync(join(tmpdir(), "wal-"));
  const path = join(folder, "a.db");
  const db = new DatabaseSync(path);
  try {
    db.exec("PRAGMA page_size = 4096; CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)");
    db.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    fill(db);
    const before = (readFileSync(`${path}-wal`).length - headerBytes) / frameBytes;
    db.exec("BEGIN");
    for (let row = 100; row < 130; row += 1)
      db.prepare("INSERT INTO t VALUES (?, ?)").run(row, "y".repeat(400));
    db.exec("COMMIT");
    return [readFileSync(`${path}-wal`), before];
  } finally {
    db.close();
    rmSync(folder, { recursive: true });
  }
}

function flipped(log: Buffer, at: number): Buffer {
  const bytes = Buffer.from(log);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
  return bytes;
}
