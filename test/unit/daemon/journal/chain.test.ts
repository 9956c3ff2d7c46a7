import { expect } from "chai";
import fc from "fast-check";
import {
  chainChecksum,
  checksumOf,
  noChecksum,
  parseRowText,
  rowText,
  xorChecksums,
} from "../../../../daemon/journal/chain.ts";
import type { ChainedRow } from "../../../../daemon/journal/chain.ts";

const oneLine = fc
  .string({ minLength: 1, unit: "grapheme" })
  .filter((text) => text !== "" && !text.includes("\n"));
const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const rows: fc.Arbitrary<ChainedRow> = fc.record({
  seq: whole,
  epoch: whole,
  at: fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
  type: oneLine,
  version: whole,
  task: fc.option(oneLine),
  previous: fc.option(whole),
  body: fc.json({ stringUnit: "grapheme" }).map((text) => `${text}\n\n`),
});

describe("the chain", () => {
  it("reads back every row from its text", () => {
    fc.assert(
      fc.property(rows, (row) => {
        expect(parseRowText(rowText(row))).to.deep.equal(row);
      }),
    );
  });

  it("gives different rows different texts", () => {
    fc.assert(
      fc.property(rows, rows, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        expect(rowText(one) === rowText(other)).to.equal(same);
      }),
    );
  });

  it("depends on everything before: a row left out changes all checksums behind it", () => {
    const texts = ["a", "b", "c", "d"];
    const all = texts.reduce(chainChecksum, noChecksum);
    for (const left of texts)
      expect(texts.filter((text) => text !== left).reduce(chainChecksum, noChecksum)).not.to.equal(
        all,
      );
    expect(texts.toReversed().reduce(chainChecksum, noChecksum)).not.to.equal(all);
  });

  it("is the start of a SHA-256", () => {
    expect(checksumOf("abc")).to.equal("ba7816bf8f01cfea414140de5dae2223");
  });

  it("folds a set in any order, and takes out again what was put in", () => {
    const [a, b, c] = [checksumOf("a"), checksumOf("b"), checksumOf("c")];
    const all = [a, b, c].reduce(xorChecksums, noChecksum);
    expect([c, a, b].reduce(xorChecksums, noChecksum)).to.equal(all);
    expect([a, b].reduce(xorChecksums, all)).to.equal(c);
    expect(xorChecksums(a, a)).to.equal(noChecksum);
  });
});
