import { expect } from "chai";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  batchAt,
  bytesOf,
  flip,
  openImage,
  outcomeOf,
  putImage,
  scratchJournal,
  storeAt,
  takeImage,
  withBytes,
} from "../integration/journal/image.ts";
import type { Image, Outcome } from "../integration/journal/image.ts";

/**
 * The last three records of a journal, byte by byte and bit by bit: in the write-ahead log, as a kill
 * leaves it, and in the file, as a close does. Every change is refused with a report, or everything is there.
 */
const tasks = ["t1", "t2", "t3", "t4"];
const events = 12;
const records = 3;

describe("the last three records of a journal", function () {
  this.timeout(600_000);
  const path = scratchJournal("records-");
  const [killed, closed] = buildImages(path);
  let whole: Outcome;

  before(() => {
    putImage(path, closed);
    whole = openImage(path, 1, tasks);
    expect(whole.kind).to.equal("state");
  });

  after(() => rmSync(join(dirname(path), ".."), { recursive: true }));

  function outcome(image: Image, what: string): "whole" | "refused" {
    return outcomeOf(path, image, { whole, tasks, what });
  }

  for (const [name, image] of [
    ["journal.db-wal", killed],
    ["journal.db", closed],
  ] as const) {
    it(`are all there, or missed, after a flip of any of their bits in ${name}`, () => {
      const counts = { whole: 0, refused: 0 };
      for (const [from, to] of places(image, name))
        for (let at = from; at < to; at += 1)
          for (let bit = 0; bit < 8; bit += 1) {
            const changed = withBytes(image, name, (bytes) => flip(bytes, at, bit));
            counts[outcome(changed, `bit ${bit} of byte ${at} of ${name}`)] += 1;
          }
      expect(counts.refused).to.be.greaterThan(1_000);
    });

    it(`are missed after a cut at any of their bytes in ${name}`, () => {
      const from = Math.min(...places(image, name).map(([first]) => first));
      const { length } = bytesOf(image, name);
      for (let cut = from; cut < length; cut += 1) {
        const changed = withBytes(image, name, (bytes) => bytes.subarray(0, cut));
        expect(outcome(changed, `a cut at ${cut} of ${name}`), `${cut}`).to.equal("refused");
      }
    });
  }
});

/** From and to: where the newest copy of each record lies, with the bytes of SQLite before it. */
function places(image: Image, name: string): [number, number][] {
  const bytes = bytesOf(image, name);
  return Array.from({ length: records }, (_, index) => {
    const at = bytes.lastIndexOf(`{"seq":${events - index},`);
    return [at - 60, bytes.indexOf("}", at) + 40];
  });
}

function buildImages(path: string): [Image, Image] {
  const store = storeAt(path);
  for (let seq = 1; seq <= events; seq += 1)
    store.append([batchAt(seq, 1, () => `t${(seq % 4) + 1}`)]);
  const killed = takeImage(path);
  store.close();
  return [killed, takeImage(path)];
}
