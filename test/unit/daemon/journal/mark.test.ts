import { expect } from "chai";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  MarkFile,
  decodeSlot,
  encodeSlot,
  lastEpochMarked,
  markPath,
  readMark,
} from "../../../../daemon/journal/mark.ts";
import type { Mark } from "../../../../daemon/journal/mark.ts";

const chain = "0123456789abcdef".repeat(2);

describe("the mark", () => {
  let folder = "";
  let path = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mark-"));
    path = markPath(join(folder, "journal.db"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it("lies beside the journal", () => {
    expect(path).to.equal(join(folder, "journal.mark"));
  });

  it("says what was written last", () => {
    using file = new MarkFile(path, markAt(1));
    expect(readMark(path)).to.deep.equal(markAt(1));
    for (const seq of [2, 3, 4]) {
      file.noteMark(markAt(seq));
      expect(readMark(path)).to.deep.equal(markAt(seq));
    }
    expect(lastEpochMarked(join(folder, "journal.db"))).to.equal(7);
  });

  it("falls back to the one before when the last write was torn", () => {
    using file = new MarkFile(path, markAt(1));
    file.noteMark(markAt(2));
    file.noteMark(markAt(3));
    const bytes = readFileSync(path);
    const last = bytes.lastIndexOf("orchd-mark 1 3 ");
    writeFileSync(path, bytes.fill(0, last + 20, last + 40));
    expect(readMark(path)).to.deep.equal(markAt(2));
  });

  it("prefers the later epoch to the higher seq", () => {
    writeFileSync(path, encodeSlot({ seq: 9, epoch: 1, chain }) + encodeSlot({ ...markAt(8) }));
    expect(readMark(path)).to.deep.equal(markAt(8));
  });

  it("proves nothing when it is absent, empty or foreign", () => {
    expect(readMark(path)).to.equal(null);
    expect(lastEpochMarked(join(folder, "journal.db"))).to.equal(0);
    writeFileSync(path, "");
    expect(readMark(path)).to.equal(null);
    writeFileSync(path, "x".repeat(5_000));
    expect(readMark(path)).to.equal(null);
  });

  it("is not taken for true after a change of any one byte of its line", () => {
    const slot = encodeSlot(markAt(123));
    for (let at = 0; at < slot.indexOf("\n"); at += 1) {
      const changed = slot.slice(0, at) + (slot[at] === "1" ? "2" : "1") + slot.slice(at + 1);
      expect(decodeSlot(changed), changed).to.equal(null);
    }
  });
});

function markAt(seq: number): Mark {
  return { seq, epoch: 7, chain };
}
