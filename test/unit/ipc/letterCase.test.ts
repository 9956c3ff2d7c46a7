import { expect } from "chai";
import fc from "fast-check";
import { foldCase } from "../../../ipc/letterCase.ts";
import { normaliseGlob } from "../../../ipc/glob.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);

describe("folding letter case", () => {
  it("gives one spelling to what differs in letter case or composition only", () => {
    for (const [left, right] of [
      ["Src/AUTH.ts", "src/auth.TS"],
      ["ÄRGER", "a\u0308rger"],
      ["ΣΑΣ", "σας"],
      ["\u212Aelvin", "kelvin"],
      ["ЖУК", "жук"],
    ] as const)
      expect(foldCase(left), left).to.equal(foldCase(right));
  });

  it("keeps apart what is different, and the length of composed names", () => {
    expect(foldCase("straße")).to.not.equal(foldCase("strasse"));
    expect(foldCase("İstanbul")).to.have.length("İstanbul".length);
    expect(foldCase("a/B{c,D}?*")).to.equal("a/b{c,d}?*");
  });

  it("changes nothing the second time, and a glob stays one", () => {
    const property = fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (text) => {
      const folded = foldCase(text);
      expect(foldCase(folded)).to.equal(folded);
      expect(folded.split("/")).to.have.length(text.split("/").length);
      if (normaliseGlob(text).ok && text.length < 500)
        expect(normaliseGlob(folded).ok, text).to.equal(true);
    });
    fc.assert(property, { seed, numRuns: 2_000 });
  });
});
