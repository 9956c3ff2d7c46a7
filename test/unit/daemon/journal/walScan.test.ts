import { expect } from "chai";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { scanWal } from "../../../../daemon/journal/walScan.ts";
import type { WalScan } from "../../../../daemon/journal/walScan.ts";

const headerBytes = 32;
/** The smallest pages that SQLite has: few enough bytes to flip each. */
const pageBytes = 512;
const frameBytes = 24 + pageBytes;
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
    expect(scan(log)).to.deep.equal({ verdict: "whole", frames, commits });
  });

  it("takes pages for as large as those of the journal if nobody says otherwise", () => {
    const [large] = writeLog((db) => db.exec("INSERT INTO t VALUES (1, 'x')"), 4096);
    expect(scanWal(large).verdict).to.equal("whole");
    expect(scanWal(log).verdict).to.equal("torn");
  });

  it("finds no log in an empty file, nor in half a header", () => {
    expect(scan(log.subarray(0, 0))).to.deep.equal({ verdict: "empty" });
    expect(scan(log.subarray(0, 20))).to.deep.equal({ verdict: "empty" });
  });

  it("takes a flip anywhere before the last transaction for damage", () => {
    for (let at = 0; at < headerBytes + lastCommit * frameBytes; at += 1) {
      const found = scanFlipped(log, at);
      const badFrame = Math.floor((at - headerBytes) / frameBytes);
      expect(found, `byte ${at}`).to.include({
        verdict: "damaged",
        badFrame: Math.max(-1, badFrame),
      });
    }
  });

  it("takes a flip in the last transaction for a torn tail, for it cannot know better", () => {
    for (let at = headerBytes + lastCommit * frameBytes; at < log.length; at += 7) {
      const found = scanFlipped(log, at);
      // A frame that claims to end a transaction makes the rest look like a later one.
      if (isSizeField(at)) expect(found.verdict).to.be.oneOf(["torn", "damaged"]);
      else expect(found, `byte ${at}`).to.include({ verdict: "torn", commits: commits - 1 });
    }
  });

  it("takes any cut behind the header for a torn tail, or for a shorter log", () => {
    for (let cut = headerBytes + 1; cut < log.length; cut += 13) {
      const found = scan(log.subarray(0, cut));
      const whole = (cut - headerBytes) % frameBytes === 0;
      expect(found.verdict, `cut at ${cut}`).to.equal(whole ? "whole" : "torn");
    }
  });

  it("takes a last transaction of which only the later pages reached the disk for torn", () => {
    const torn = Buffer.from(log);
    torn.fill(
      0,
      headerBytes + lastCommit * frameBytes,
      headerBytes + (lastCommit + 1) * frameBytes,
    );
    expect(scan(torn)).to.deep.equal({
      verdict: "torn",
      frames: lastCommit,
      commits: commits - 1,
    });
  });

  it("takes a file of zeros for torn: space that was given but never written", () => {
    expect(scan(Buffer.alloc(log.length)).verdict).to.equal("torn");
  });

  it("ignores frames left over from before the log was started again", () => {
    const [again] = writeLog((db) => {
      for (let row = 1; row < 60; row += 1)
        db.prepare("INSERT INTO t VALUES (?, ?)").run(row, "x".repeat(900));
      db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    });
    const found = scan(again);
    expect(found).to.include({ verdict: "whole", commits: 1 });
    expect(found.verdict === "whole" && found.frames * frameBytes + headerBytes).to.be.lessThan(
      again.length,
    );
  });

  function isSizeField(at: number): boolean {
    const inFrame = (at - headerBytes) % frameBytes;
    return inFrame >= 4 && inFrame < 8;
  }
});

/** Fills a table, then changes several of its pages in one transaction; returns the log before it is closed. */
function writeLog(
  fill: (db: DatabaseSync) => void,
  page = pageBytes,
): [log: Buffer, lastCommit: number] {
  const folder = mkdtempSync(join(tmpdir(), "wal-"));
  const path = join(folder, "a.db");
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA page_size = ${page}; CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)`);
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

function scan(log: Uint8Array): WalScan {
  return scanWal(log, pageBytes);
}

/** With one bit of the byte at `at` turned over; the log is as before afterwards. */
function scanFlipped(log: Buffer, at: number): WalScan {
  const byte = log[at] ?? 0;
  log[at] = byte ^ (1 << (at % 8));
  try {
    return scan(log);
  } finally {
    log[at] = byte;
  }
}
