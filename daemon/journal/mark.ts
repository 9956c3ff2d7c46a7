import {
  closeSync,
  constants,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";

import { checksumOf, noChecksum } from "./chain.ts";
import type { Checksum } from "./chain.ts";
import { failpointNow } from "../../system/failpoint.ts";

/**
 * The mark, `journal.mark`: a second witness of what was acknowledged.
 *
 * SQLite cannot tell a commit that was torn before it was synced from a synced one whose last bytes
 * were damaged or cut off later: it drops both in silence. So after each commit is synced, and before
 * it is acknowledged, the last seq and its checksum are written here. At the next start:
 *
 *     mark > journal    acknowledged events are missing: damage
 *     mark ≤ journal    the event the mark names must have the checksum the mark names
 *     no readable mark  proves nothing, and is written anew
 *
 * The mark itself is not synced (a second sync would double the price of a commit). It can only be
 * late, never early: after a power cut it may name an older event, which is true as well. Where no
 * power was cut it is exact. Two slots, each within one disk sector, are written in turn, so a torn
 * write spoils the newer one only.
 *
 *     slot, 512 bytes, ASCII:  "orchd-mark 1 <seq> <epoch> <checksum> <checksum of the four before>\n", then spaces
 */
export type Mark = { readonly seq: number; readonly epoch: number; readonly chain: Checksum };

const slotBytes = 512;
const slotPattern = /^(orchd-mark 1 (\d{1,16}) (\d{1,16}) ([0-9a-f]{32})) ([0-9a-f]{32})\n *$/;

export function encodeSlot(mark: Mark): string {
  const text = `orchd-mark 1 ${mark.seq} ${mark.epoch} ${mark.chain}`;
  return `${text} ${checksumOf(text)}\n`.padEnd(slotBytes, " ");
}

export function decodeSlot(text: string): Mark | null {
  const [, signed, seq, epoch, chain, checksum] = slotPattern.exec(text) ?? [];
  if (signed === undefined || checksumOf(signed) !== checksum) return null;
  return { seq: Number(seq), epoch: Number(epoch), chain: chain ?? noChecksum };
}

/** The newest slot that is whole; `null` when there is none, or no file. */
export function readMark(path: string): Mark | null {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return null;
  }
  const first = decodeSlot(text.slice(0, slotBytes));
  const second = decodeSlot(text.slice(slotBytes, 2 * slotBytes));
  return isNewer(second, first) ? second : first;
}

/** The highest epoch that ever wrote beside this journal, read without opening it; 0 if unknown. */
export function lastEpochMarked(journalPath: string): number {
  return readMark(markPath(journalPath))?.epoch ?? 0;
}

export function markPath(journalPath: string): string {
  return journalPath.replace(/(\.db)?$/, ".mark");
}

/** Owns the open file. */
export class MarkFile {
  readonly #descriptor: number;
  #turn = 0;

  constructor(path: string, mark: Mark) {
    this.#descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    // Both slots at once: the file has its full size from the start, so a write never needs space.
    failpointNow("journal.markFile", () => {
      this.noteMark(mark);
      this.noteMark(mark);
      ftruncateSync(this.#descriptor, 2 * slotBytes);
      fdatasyncSync(this.#descriptor);
    });
  }

  noteMark(mark: Mark): void {
    writeSync(this.#descriptor, encodeSlot(mark), this.#turn * slotBytes, "latin1");
    this.#turn = 1 - this.#turn;
  }

  syncMark(): void {
    fdatasyncSync(this.#descriptor);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

function isNewer(one: Mark | null, other: Mark | null): boolean {
  if (one === null || other === null) return one !== null;
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.seq > other.seq);
}
