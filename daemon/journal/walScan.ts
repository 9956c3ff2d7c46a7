/**
 * Reads a SQLite write-ahead log the way SQLite does (https://www.sqlite.org/fileformat2.html#walformat),
 * and then goes on where SQLite stops: behind the first bad frame.
 *
 *     header, 32 bytes   magic, version, page size, checkpoint number, salt 1, salt 2, checksum (2 words)
 *     frame, 24 + page   page number, size of the database after a commit (else 0), salt 1, salt 2, checksum
 *
 * The checksum of a frame covers everything before it, so each is computed from the one before. SQLite
 * takes the first frame that does not fit for the end of the log. That is right for a torn tail, and
 * wrong for a damaged frame in the middle: synced commits behind it would vanish without a word. But
 * what follows a damaged frame still fits the checksum that is *stored* in it. A transaction is only
 * begun when the one before was synced, so:
 *
 *     nothing behind fits                                 → `torn`: an unsynced tail, or its last frame damaged
 *     the rest of the same transaction fits               → `torn`: a power cut may persist pages in any order
 *     a frame of a later transaction fits                 → `damaged`: the bad frame had been synced
 *     the header is bad, and frames fit each other        → `damaged`: all of the log would be dropped
 *
 * Whether a torn tail had been acknowledged is for the mark to say (mark.ts). Frames left over from
 * before the log was restarted carry other salts and fit nothing.
 */
export type WalScan =
  | { readonly verdict: "empty" }
  | { readonly verdict: "whole" | "torn"; readonly frames: number; readonly commits: number }
  | {
      readonly verdict: "damaged";
      /** Frames that SQLite would still read. */
      readonly frames: number;
      /** The frame that is bad, counted from 0; -1 is the header. */
      readonly badFrame: number;
      /** The first frame that proves it. */
      readonly proof: number;
    };

const headerBytes = 32;
const frameHeaderBytes = 24;
const magic = 0x377f0682;
const formatVersion = 3_007_000;

type Sums = readonly [number, number];

type Log = {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly pageBytes: number;
  readonly littleEndian: boolean;
  readonly frameCount: number;
};

type Frame = {
  readonly page: number;
  readonly commits: boolean;
  readonly salts: Sums;
  readonly stored: Sums;
};

/** `pageBytes` is what the page size must be: a damaged header cannot be asked. */
export function scanWal(bytes: Uint8Array, pageBytes = 4096): WalScan {
  if (bytes.length <= headerBytes) return { verdict: "empty" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frameCount = Math.floor((bytes.length - headerBytes) / (frameHeaderBytes + pageBytes));
  const littleEndian = (view.getUint32(0) & 1) === 0;
  const log = { view, bytes, pageBytes, littleEndian, frameCount };
  return isHeaderGood(log) ? scanFrames(log) : scanWithoutHeader(log);
}

function isHeaderGood({ view, pageBytes, littleEndian }: Log): boolean {
  const sums = checksum(view, 0, 24, [0, 0], littleEndian);
  return (
    (view.getUint32(0) & ~1) === magic &&
    view.getUint32(4) === formatVersion &&
    view.getUint32(8) === pageBytes &&
    isSame(sums, [view.getUint32(24), view.getUint32(28)])
  );
}

function scanFrames(log: Log): WalScan {
  const salts: Sums = [log.view.getUint32(16), log.view.getUint32(20)];
  let sums: Sums = [log.view.getUint32(24), log.view.getUint32(28)];
  let commits = 0;
  for (let index = 0; index < log.frameCount; index += 1) {
    const frame = frameAt(log, index);
    const next = frameSums(log, index, sums);
    if (!isSame(frame.salts, salts) || !isSame(frame.stored, next))
      return scanBehind(log, index, { salts, sums, commits });
    sums = next;
    if (frame.commits) commits += 1;
  }
  return { verdict: isAligned(log) ? "whole" : "torn", frames: log.frameCount, commits };
}

/** `bad` is the first frame that does not fit; looks for one of a later transaction that does. */
function scanBehind(
  log: Log,
  bad: number,
  before: { readonly salts: Sums; readonly sums: Sums; readonly commits: number },
): WalScan {
  const badFrame = frameAt(log, bad);
  const computed = frameSums(log, bad, before.sums);
  // A left-over frame has neither our salts nor our checksum; a damaged one has at least one of them.
  const isOurs = isSame(badFrame.salts, before.salts) || isSame(badFrame.stored, computed);
  // The stored checksum of the bad frame may be what is damaged: then the computed one fits the next.
  let seeds: readonly Sums[] = [badFrame.stored, computed];
  let transactionOver = isOurs && badFrame.commits;
  let fits = 0;
  for (let index = bad + 1; index < log.frameCount; index += 1) {
    const frame = frameAt(log, index);
    const proven =
      isSame(frame.salts, before.salts) &&
      seeds.some((seed) => isSame(frame.stored, frameSums(log, index, seed)));
    if (proven && transactionOver)
      return { verdict: "damaged", frames: bad, badFrame: bad, proof: index };
    if (proven) fits += 1;
    if (proven && frame.commits) transactionOver = true;
    seeds = [frame.stored];
  }
  const leftOver = !isOurs && fits === 0;
  return { verdict: leftOver ? "whole" : "torn", frames: bad, commits: before.commits };
}

/** The byte order stands in the header as well, so both are tried. */
function scanWithoutHeader(log: Log): WalScan {
  for (const littleEndian of [true, false]) {
    const read = { ...log, littleEndian };
    const header = checksum(log.view, 0, 24, [0, 0], littleEndian);
    let seeds: readonly Sums[] = [header, [log.view.getUint32(24), log.view.getUint32(28)]];
    for (let index = 0; index < log.frameCount; index += 1) {
      const { page, stored } = frameAt(read, index);
      // A file of zeros fits itself: a frame without a page number is none.
      if (page !== 0 && seeds.some((seed) => isSame(stored, frameSums(read, index, seed))))
        return { verdict: "damaged", frames: 0, badFrame: -1, proof: index };
      seeds = [stored];
    }
  }
  return { verdict: "torn", frames: 0, commits: 0 };
}

function frameAt({ view, pageBytes }: Log, index: number): Frame {
  const at = headerBytes + index * (frameHeaderBytes + pageBytes);
  return {
    page: view.getUint32(at),
    commits: view.getUint32(at + 4) !== 0,
    salts: [view.getUint32(at + 8), view.getUint32(at + 12)],
    stored: [view.getUint32(at + 16), view.getUint32(at + 20)],
  };
}

function frameSums({ view, pageBytes, littleEndian }: Log, index: number, seed: Sums): Sums {
  const at = headerBytes + index * (frameHeaderBytes + pageBytes);
  const start = checksum(view, at, 8, seed, littleEndian);
  return checksum(view, at + frameHeaderBytes, pageBytes, start, littleEndian);
}

/** A Fibonacci-weighted sum of 32-bit words, two words a step, as the file format prescribes. */
function checksum(view: DataView, at: number, length: number, seed: Sums, little: boolean): Sums {
  let [one, two] = seed;
  for (let offset = at; offset < at + length; offset += 8) {
    one = (one + view.getUint32(offset, little) + two) >>> 0;
    two = (two + view.getUint32(offset + 4, little) + one) >>> 0;
  }
  return [one, two];
}

function isAligned({ bytes, pageBytes }: Log): boolean {
  return (bytes.length - headerBytes) % (frameHeaderBytes + pageBytes) === 0;
}

function isSame(one: Sums, other: Sums): boolean {
  return one[0] === other[0] && one[1] === other[1];
}
