import { expect } from "chai";
import fc from "fast-check";
import { compileGlob, globsMeet } from "../../../../../daemon/core/glob.ts";
import { conflictsOf } from "../../../../../daemon/core/plan/conflicts.ts";
import {
  hasBit,
  makeMatrix,
  makeSymmetric,
  rowOf,
  setBit,
} from "../../../../../daemon/core/plan/bits.ts";
import { normaliseGlob } from "../../../../../ipc/glob.ts";
import type { ClaimSet } from "../../../../../ipc/taskSpec.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);

const folder = fc.constantFrom<readonly string[]>([], [], [], ["a"], ["a", "b"], ["a", "b", "a"]);
/** Many different ones at the same place, so that they are looked up by how they begin or end. */
const piece = fc.constantFrom("", "a", "b", "ab", "ba", "aa", "bb", ".x1", ".x2", ".x12");
const wild = fc
  .tuple(piece, fc.constantFrom("*", "?", "*a*", "?*", "*?b*"), piece)
  .map((pieces) => pieces.join(""));
const name = fc.tuple(piece, piece).map((pieces) => pieces.join("") || "c");
const any = fc.oneof({ weight: 2, arbitrary: wild }, name, fc.constant("{a,b*,*.x2}"));
const gap = fc.constantFrom<readonly string[]>([], ["**"]);
const glob = fc
  .tuple(folder, gap, fc.array(any, { maxLength: 2 }), gap, fc.array(any, { maxLength: 2 }))
  .map((parts) => normaliseGlob(parts.flat().join("/")))
  .filter((parsed) => parsed.ok)
  .map((parsed) => parsed.glob);

describe(`who is in each other's way (seed ${seed})`, function () {
  this.timeout(60_000);

  it("is found as by comparing each glob with each, in deep folders and among many that look alike", () => {
    fc.assert(
      fc.property(fc.array(glob, { minLength: 40, maxLength: 80 }), (globs) => {
        const matrix = conflictsOf(globs.map(writing), {});
        const patterns = globs.map(compileGlob);
        for (const [a, mine] of patterns.entries())
          for (const [b, theirs] of patterns.entries())
            expect(hasBit(rowOf(matrix, a), b), `${mine.glob} and ${theirs.glob}`).to.equal(
              a !== b && globsMeet(mine, theirs),
            );
      }),
      { seed, numRuns: 60 },
    );
  });
});

describe("a task that writes everything", () => {
  it("is in the way of one that declares nothing, in whatever words it says so", () => {
    for (const [one, isAlone] of [
      ["**", true],
      ["**/*", true],
      ["{x,*}/**", true],
      ["**/*.*", false],
    ] as const)
      expect(hasBit(rowOf(conflictsOf([writing(one), null], {}), 1), 0), one).to.equal(isAlone);
  });
});

describe("a matrix", () => {
  it("is made symmetric wherever its bits are", () => {
    const pair = fc.tuple(fc.nat({ max: 99 }), fc.nat({ max: 99 }));
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 200 }), (pairs) => {
        const matrix = makeMatrix(100);
        for (const [row, column] of pairs) setBit(rowOf(matrix, row), column);
        makeSymmetric(matrix);
        const wanted = new Set(pairs.flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`]));
        const found = new Set<string>();
        for (let row = 0; row < 100; row += 1)
          for (let column = 0; column < 100; column += 1)
            if (hasBit(rowOf(matrix, row), column)) found.add(`${row} ${column}`);
        expect([...found].toSorted()).to.deep.equal([...wanted].toSorted());
      }),
      { seed, numRuns: 50 },
    );
  });
});

function writing(one: string): ClaimSet {
  return { writes: [one], reads: [], resources: {} };
}
