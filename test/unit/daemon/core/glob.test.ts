import { expect } from "chai";
import fc from "fast-check";
import { compileGlob, expandBraces, globMatches, globsMeet } from "../../../../daemon/core/glob.ts";
import { foldCase } from "../../../../ipc/letterCase.ts";
import { globs, namePattern } from "./globTexts.ts";
import { nameMatches, pathMatches, pathsUpTo } from "./oracle.ts";

const seed = Number(process.env["ORCHD_TEST_SEED"] ?? 20_260_726);

function meet(a: string, b: string): boolean {
  return globsMeet(compileGlob(a), compileGlob(b));
}

function matches(glob: string, path: string): boolean {
  return globMatches(compileGlob(glob), path);
}

describe("a claim's glob", () => {
  it("with `**` at its end matches the folder itself and everything below", () => {
    expect(matches("a/**", "a")).to.equal(true);
    expect(matches("a/**", "a/b/c")).to.equal(true);
    expect(matches("a/**", "ab")).to.equal(false);
    expect(meet("a/**", "a")).to.equal(true);
    expect(matches("**/a", "a")).to.equal(true);
    expect(matches("a/**/b", "a/b")).to.equal(true);
    expect(matches("**", "anything/at/all")).to.equal(true);
  });

  it("stays within a segment with `*` and `?`, and matches dot files", () => {
    expect(matches("src/*.ts", "src/a.ts")).to.equal(true);
    expect(matches("src/*.ts", "src/deep/a.ts")).to.equal(false);
    expect(matches("*", ".env")).to.equal(true);
    expect(matches("a?c", "abc")).to.equal(true);
    expect(matches("a?c", "ac")).to.equal(false);
  });

  it("takes everything else literally", () => {
    expect(matches("app/[slug]/(shop)/page.tsx", "app/[slug]/(shop)/page.tsx")).to.equal(true);
    expect(matches("a.b", "axb")).to.equal(false);
    expect(matches("a+", "aa")).to.equal(false);
  });

  it("stands for each of its alternatives", () => {
    expect(expandBraces("a{b,c}d{e,}")).to.deep.equal(["abde", "abd", "acde", "acd"]);
    expect(matches("src/{a,b}/x{,.test}.ts", "src/b/x.test.ts")).to.equal(true);
    expect(matches("src/{a,b}/x{,.test}.ts", "src/c/x.ts")).to.equal(false);
    expect(expandBraces("a{b")).to.deep.equal(["a{b"]);
  });

  it("meets another exactly when a path exists that both match", () => {
    expect(meet("*a*", "*b*")).to.equal(true);
    expect(meet("a*b", "b*a")).to.equal(false);
    expect(meet("a*", "?")).to.equal(true);
    expect(meet("ab*", "a?")).to.equal(true);
    expect(meet("ab*", "a")).to.equal(false);
    expect(meet("a/*/c", "a/b/**")).to.equal(true);
    expect(meet("a/*", "a/*/c")).to.equal(false);
    expect(meet("**/a", "b/**")).to.equal(true);
    expect(meet("src/**/test/*.ts", "src/a/b/*.js")).to.equal(false);
    expect(meet("{a,b}/x", "{b,c}/x")).to.equal(true);
    expect(meet("{a,b}/x", "{c,d}/x")).to.equal(false);
  });

  it("is compared quickly however many stars it has", () => {
    const stars = Array.from({ length: 32 }, () => "**/*a*b*c*").join("/");
    const started = performance.now();
    expect(meet(`${stars}/x`, `${stars}/y`)).to.equal(false);
    expect(performance.now() - started).to.be.below(1_000);
  });
});

const glob = globs(1);

/** Every path of up to six segments would be too many; two such globs meet within four. */
const paths = pathsUpTo(4, ["a", "b", "ab", "bb"]);
const names = pathsUpTo(6, ["a", "b"]).map((letters) => letters.join(""));

describe(`the algebra of globs, against every path there is (seed ${seed})`, function () {
  this.timeout(60_000);

  it("matches the same paths", () => {
    const property = fc.property(glob, (text) => {
      const compiled = compileGlob(text);
      const segments = text.split("/");
      for (const path of paths)
        expect(globMatches(compiled, path.join("/")), `${text} on ${path.join("/")}`).to.equal(
          pathMatches(segments, path),
        );
    });
    fc.assert(property, { seed, numRuns: 150 });
  });

  it("finds two that meet, and only those", () => {
    const property = fc.property(glob, glob, (left, right) => {
      const [a, b] = [left.split("/"), right.split("/")];
      const witness = paths.find((path) => pathMatches(a, path) && pathMatches(b, path));
      expect(meet(left, right), `${left} and ${right}`).to.equal(witness !== undefined);
      expect(meet(right, left)).to.equal(witness !== undefined);
    });
    fc.assert(property, { seed, numRuns: 400 });
  });

  it("finds two that meet by folded letters exactly when letter case is all that tells their paths apart", () => {
    const anyCase = fc.tuple(glob, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }));
    const mixed = anyCase.map(([text, capitals]) =>
      Array.from(text, (letter, at) =>
        capitals[at % 12] === true ? letter.toUpperCase() : letter,
      ).join(""),
    );
    const property = fc.property(mixed, mixed, (left, right) => {
      const [a, b] = [left, right].map((text) => text.toLowerCase().split("/"));
      const witness = paths.find(
        (path) => pathMatches(a ?? [], path) && pathMatches(b ?? [], path),
      );
      const folded = meet(foldCase(left), foldCase(right));
      expect(folded, `${left} and ${right}`).to.equal(witness !== undefined);
    });
    fc.assert(property, { seed, numRuns: 300 });
  });

  it("finds the same within one name", () => {
    const property = fc.property(namePattern, namePattern, (left, right) => {
      const witness = names.find((name) => nameMatches(left, name) && nameMatches(right, name));
      expect(meet(left, right), `${left} and ${right}`).to.equal(witness !== undefined);
    });
    fc.assert(property, { seed, numRuns: 600 });
  });
});
