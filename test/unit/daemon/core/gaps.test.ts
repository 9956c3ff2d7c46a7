import { expect } from "chai";
import fc from "fast-check";
import { compileGlob, globMatches, nameRules } from "../../../../daemon/core/glob.ts";
import { compileHolding } from "../../../../daemon/core/claims.ts";
import { gappedMeet, gappedWitness } from "../../../../daemon/core/gaps.ts";
import { claimsFault } from "../../../../ipc/claimLimits.ts";
import {
  heldAgainst,
  makeClaimTable,
  makeParty,
  takePlaces,
} from "../../../../daemon/core/claimTable.ts";
import { held } from "../../../../daemon/core/claimSpot.ts";
import { id } from "../../../helpers/core.ts";
import { nameMatches } from "./oracle.ts";
import type { CompiledHolding } from "../../../../daemon/core/claims.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_261_121);
const letter = fc.constantFrom("a", "a", "b", "?", "*");
const name = fc
  .array(letter, { minLength: 1, maxLength: 14 })
  .map((letters) => letters.join("").replaceAll(/\*+/g, "*"));

function lettersOf(glob: string): readonly number[] {
  const letters = compileGlob(`${glob}?`).alternatives.flatMap(({ rest: [only] }) =>
    only?.kind === "wild" ? only.letters : [],
  );
  return letters.slice(0, -1);
}

describe(`sequences with gaps (seed ${seed})`, () => {
  it("meet exactly when the product of their places says so, however many gaps they have", () => {
    const rules = { pick: () => 0, both: [] };
    const property = fc.property(name, name, (left, right) => {
      const [a, b] = [lettersOf(left), lettersOf(right)];
      const expected = gappedWitness(a, b, nameRules, rules) !== null;
      expect(gappedMeet(a, b, nameRules), `${left} and ${right}`).to.equal(expected);
    });
    fc.assert(property, { seed, numRuns: 5_000 });
  });

  it("match the same names as letter by letter, however many gaps they have", () => {
    const plain = fc.string({ unit: fc.constantFrom("a", "a", "b"), minLength: 1, maxLength: 14 });
    const property = fc.property(name, plain, (glob, text) => {
      expect(globMatches(compileGlob(glob), text), `${glob} on ${text}`).to.equal(
        nameMatches(glob, text),
      );
    });
    fc.assert(property, { seed, numRuns: 5_000 });
  });
});

/** Each compared with each, with as much left to compare as the limits allow. */
const worst: Readonly<Record<string, readonly [(at: number) => string, (at: number) => string]>> = {
  "names with several stars": [
    (at) => `*${"a".repeat(28)}${letterAt(at)}*`,
    (at) => `${"a".repeat(250)}${at}`,
  ],
  "names with stars between marks": [
    (at) => `*${"?".repeat(28)}${letterAt(at)}*`,
    (at) => `${"a".repeat(250)}${at}`,
  ],
  "long names against marks": [
    (at) => `*${"a".repeat(120)}${letterAt(at)}${letterAt(at)}*`,
    (at) => `?${"a".repeat(250)}?${at}`,
  ],
  "folders between double stars": [
    (at) => `**/${"a/".repeat(15)}b${at}/**`,
    (at) => `${"*a/".repeat(30)}${at}`,
  ],
  "many names in one folder": [(at) => `*${at}x`, (at) => `*${at}y`],
  "many names anywhere": [(at) => `**/*${at}x`, (at) => `**/*${at}y`],
  "many names anywhere, in deep folders": [
    (at) => `${at}/${"a/".repeat(50)}y`,
    (at) => `**/*${at}x`,
  ],
};

function letterAt(at: number): string {
  return String.fromCharCode("b".charCodeAt(0) + (at % 20));
}

/** As many as are allowed. */
function fill(glob: (at: number) => string): string[] {
  const writes: string[] = [];
  while (claimsFault({ writes: [...writes, glob(writes.length)], reads: [] }) === null)
    writes.push(glob(writes.length));
  return writes;
}

function holdingOf(glob: (at: number) => string): CompiledHolding {
  return compileHolding({ writes: fill(glob), reads: [], resources: {}, optimistic: false });
}

describe("claims as large as they may be", () => {
  for (const [what, [theirs, mine]] of Object.entries(worst))
    it(`are compared in a moment: ${what}`, () => {
      const table = makeClaimTable();
      const rank = { rank: 0, order: 1 };
      takePlaces(table, makeParty(id("theirs"), rank, holdingOf(theirs)), held);
      const asked = holdingOf(mine);
      const before = process.cpuUsage();
      expect(heldAgainst(table, asked)).to.equal(null);
      expect(process.cpuUsage(before).user / 1_000, "ms of the processor").to.be.below(1_000);
    });
});
