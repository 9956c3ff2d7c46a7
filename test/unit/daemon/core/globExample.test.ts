import { expect } from "chai";
import fc from "fast-check";
import { compileGlob, globMatches, globsMeet } from "../../../../daemon/core/glob.ts";
import { exampleOfBoth } from "../../../../daemon/core/globExample.ts";
import { normaliseGlob } from "../../../../ipc/glob.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);

const piece = fc.constantFrom("a", "b", "*", "?", "ab", ".", "{a,b*}", "{ab,}", "é");
const name = fc
  .array(piece, { minLength: 1, maxLength: 4 })
  .map((pieces) => pieces.join("").replaceAll(/\*+/g, "*"));
const segment = fc.oneof(
  { weight: 1, arbitrary: fc.constant("**") },
  { weight: 3, arbitrary: name },
);
const glob = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .map((segments) => normaliseGlob(segments.join("/")))
  .filter((parsed) => parsed.ok)
  .map((parsed) => parsed.glob);

describe(`an example of what two globs match (seed ${seed})`, () => {
  it("is a path that both match, and there is one exactly when they meet", () => {
    let meeting = 0;
    fc.assert(
      fc.property(glob, glob, (left, right) => {
        const [a, b] = [compileGlob(left), compileGlob(right)];
        const path = exampleOfBoth(left, right);
        expect(path !== null, `${left} and ${right}`).to.equal(globsMeet(a, b));
        if (path === null) return;
        meeting += 1;
        expect(path.split("/"), path).to.not.include("");
        expect(globMatches(a, path), `${left}: ${path}`).to.equal(true);
        expect(globMatches(b, path), `${right}: ${path}`).to.equal(true);
      }),
      { seed, numRuns: 5_000 },
    );
    expect(meeting).to.be.above(500);
  });

  it("is one that people understand", () => {
    expect(exampleOfBoth("src/**", "**/*.test.ts")).to.equal("src/x.test.ts");
    expect(exampleOfBoth("src/**", "src/**")).to.equal("src/x");
    expect(exampleOfBoth("src/*/a.ts", "src/b/**")).to.equal("src/b/a.ts");
    expect(exampleOfBoth("a?c", "*b*")).to.equal("abc");
    expect(exampleOfBoth("{a,b}/c", "{b,d}/**")).to.equal("b/c");
    expect(exampleOfBoth("docs/*.md", "docs/*.md")).to.equal("docs/x.md");
    expect(exampleOfBoth("a/**", "b/**")).to.equal(null);
  });
});
