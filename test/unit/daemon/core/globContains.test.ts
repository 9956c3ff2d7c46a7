import { expect } from "chai";
import fc from "fast-check";
import { compileGlob } from "../../../../daemon/core/glob.ts";
import { globContains } from "../../../../daemon/core/globContains.ts";
import { globs, namePattern } from "./globTexts.ts";
import { nameMatches, pathMatches, pathsUpTo } from "./oracle.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);

function contains(outer: string, inner: string): boolean {
  return globContains(compileGlob(outer), compileGlob(inner));
}

describe("a glob contains another", () => {
  it("when it matches all that the other matches", () => {
    expect(contains("**", "a/*/c")).to.equal(true);
    expect(contains("a/**", "a")).to.equal(true);
    expect(contains("a/**", "a/b*/**/c")).to.equal(true);
    expect(contains("a/*", "a/**")).to.equal(false);
    expect(contains("*.ts", "{a,b}.ts")).to.equal(true);
    expect(contains("{a,b}.ts", "?.ts")).to.equal(false);
    expect(contains("{a,b*}", "{a,b,bc}")).to.equal(true);
    expect(contains("{*a*,*b*}", "*{a,b}*")).to.equal(true);
  });

  it("also when no single alternative does", () => {
    expect(contains("{a,b}*", "{a,b}{a,b}")).to.equal(true);
    expect(contains("{*,?*a,?*b}", "**")).to.equal(false);
    expect(contains("{?,?*?}", "*")).to.equal(true);
  });

  it("or it says no when there is too much to try", () => {
    const stars = `*a${"?".repeat(24)}*b${"?".repeat(24)}`;
    const began = performance.now();
    expect(contains(stars, `${stars}c*`)).to.equal(false);
    expect(performance.now() - began).to.be.below(2_000);
  });
});

const glob = globs(2);

/** `c` stands for all letters that no pattern mentions. */
const names = pathsUpTo(6, ["a", "b", "c"]).map((letters) => letters.join(""));
const paths = pathsUpTo(4, ["a", "b", "c", "ab", "bb", "ca", "cb", "cc"]);

describe(`containment of globs, against every path there is (seed ${seed})`, function () {
  this.timeout(60_000);

  it("is right about names", () => {
    const property = fc.property(namePattern, namePattern, (outer, inner) => {
      const counter = names.find((name) => nameMatches(inner, name) && !nameMatches(outer, name));
      expect(contains(outer, inner), `${outer} of ${inner}`).to.equal(counter === undefined);
    });
    fc.assert(property, { seed, numRuns: 600 });
  });

  it("is right about paths", () => {
    const property = fc.property(glob, glob, (outer, inner) => {
      const [a, b] = [outer.split("/"), inner.split("/")];
      const counter = paths.find((path) => pathMatches(b, path) && !pathMatches(a, path));
      expect(contains(outer, inner), `${outer} of ${inner}`).to.equal(counter === undefined);
    });
    fc.assert(property, { seed, numRuns: 400 });
  });
});
