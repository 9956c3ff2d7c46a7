import { expect } from "chai";
import { span } from "../../../cli/render/time.ts";

const cases: readonly (readonly [ms: number, words: string])[] = [
  [-5, "0s"],
  [99, "0s"],
  [420, "0.4s"],
  [999, "0.9s"],
  [1_000, "1s"],
  [59_999, "59s"],
  [60_000, "1m00s"],
  [192_000, "3m12s"],
  [3_600_000, "1h00m"],
  [7_440_000, "2h04m"],
  [86_400_000, "1d00h"],
  [285_000_000, "3d07h"],
  [Number.NaN, "?"],
];

describe("a span of time", () => {
  for (const [ms, words] of cases)
    it(`of ${ms} ms reads ${words}`, () => {
      expect(span(ms)).to.equal(words);
    });
});
