import { expect } from "chai";
import fc from "fast-check";
import { globBranchesMax, globLengthMax, normaliseGlob } from "../../../ipc/glob.ts";
import { normalisePath } from "../../../ipc/repoPath.ts";

describe("normaliseGlob", () => {
  for (const [written, normal] of [
    ["src/auth/", "src/auth/**"],
    ["./a//b", "a/b"],
    ["a/./b", "a/b"],
    [".", "**"],
    ["./", "**"],
    ["a/.", "a/**"],
    ["**/**/a", "**/a"],
    ["a/**/", "a/**"],
    ["a/*/", "a/*/**"],
    [".gitignore", ".gitignore"],
    [".github/workflows/", ".github/workflows/**"],
    ["x{,.test}.ts", "x{,.test}.ts"],
    ["{a,b}{c,d}/?", "{a,b}{c,d}/?"],
    ["app/[slug]/(shop)/[...all]/page.tsx", "app/[slug]/(shop)/[...all]/page.tsx"],
    ["report (1).pdf", "report (1).pdf"],
    ["a,b", "a,b"],
    ["a/{.,b}c", "a/{.,b}c"],
    ["...", "..."],
    ["src/[e-mail].ts", "src/[e-mail].ts"],
    ["ünïcode/😀?", "ünïcode/😀?"],
  ] as const) {
    it(`makes ${normal} of ${written}`, () => {
      expect(normaliseGlob(written)).to.deep.equal({ ok: true, glob: normal });
    });
  }

  for (const [written, reason] of [
    ["", "is empty"],
    ["../x", "`..`"],
    ["a/../b", "`..`"],
    ["a/..", "`..`"],
    ["/abs", "absolute path"],
    ["C:\\x", "absolute path"],
    ["C:/x", "absolute path"],
    ["a\\b", "backslash"],
    ["a\0b", "NUL"],
    ["a\nb", "control character"],
    [".git", "`.git`"],
    [".git/", "`.git`"],
    ["a/.GIT/b", "`.git`"],
    [".Git/config", "`.git`"],
    [".git./config", "`.git`"],
    [".g\u200cit/config", "`.git`"],
    ["git~1/config", "`.git`"],
    ["{.git,a}/x", "`.git`"],
    [".{git,b}", "`.git`"],
    ["a/{..,b}", "`..`"],
    ["a/{.,b}", "empty name"],
    ["{,a}", "empty name"],
    ["{,a}{,b}/c", "empty name"],
    ["a**b", "whole segment"],
    ["***", "whole segment"],
    ["{**,a}", "whole segment"],
    ["{*,a}*", "two `*`"],
    ["{a", "without its `}`"],
    ["a}", "without its `{`"],
    ["{a,{b,c}}", "braces inside braces"],
    ["{a/b,c}", "`/` inside braces"],
    ["{a}", "one alternative"],
    ["a{}", "one alternative"],
    ["!src/", "negation"],
    ["!(a|b)", "negation"],
    ["x/!(a)", "extended pattern"],
    ["@(a|b)", "extended pattern"],
    ["src/[a-z].ts", "character class"],
    ["src/[!a].ts", "character class"],
    ["~/x", "home"],
    ["./~", "home"],
    ["./!a", "negation"],
    [" a", "space"],
    ["a ", "space"],
    ["a/\ud800", "surrogate"],
    ["a".repeat(globLengthMax + 1), "characters"],
    [`${"a".repeat(globLengthMax - 1)}/`, "characters"],
    ["a/".repeat(70), "segments"],
    ["{a,b}".repeat(7), `more than ${globBranchesMax}`],
  ] as const) {
    it(`refuses ${JSON.stringify(written.slice(0, 40))}: ${reason}`, () => {
      const parsed = normaliseGlob(written);
      expect(parsed.ok ? parsed.glob : "refused").to.equal("refused");
      expect(parsed.ok ? "" : parsed.message).to.include(reason);
    });
  }

  const pieces = fc.constantFrom(
    "a",
    "b.ts",
    "*",
    "?",
    "**",
    "{a,b}",
    "{,x}",
    ".",
    "",
    "..",
    ".git",
    "[x]",
    "é",
    "~",
    "{",
    "}",
    ",",
  );
  const globLike = fc
    .array(pieces, { maxLength: 8 })
    .chain((parts) => fc.constantFrom("/", "").map((joint) => parts.join(joint)));

  it("leaves its own results as they are", () => {
    fc.assert(
      fc.property(fc.oneof(globLike, fc.string({ unit: "binary" })), (text) => {
        const once = normaliseGlob(text);
        if (once.ok) expect(normaliseGlob(once.glob)).to.deep.equal(once);
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps every promise of the normal form", () => {
    fc.assert(
      fc.property(globLike, (text) => {
        const parsed = normaliseGlob(text);
        if (!parsed.ok) return;
        const segments = parsed.glob.split("/");
        for (const [index, segment] of segments.entries()) {
          expect(segment).to.match(
            /^(?:\*\*|(?:[^{}*?\\]|\*(?!\*)|\?|\{[^{},]*(?:,[^{},]*)+\})+)$/,
          );
          expect(["", ".", "..", ".git"]).to.not.include(segment);
          if (segment === "**") expect(segments[index + 1]).to.not.equal("**");
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("normalisePath", () => {
  it("brings a directory into one form", () => {
    expect(normalisePath("./a//b/")).to.deep.equal({ ok: true, path: "a/b" });
    expect(normalisePath(".")).to.deep.equal({ ok: true, path: "." });
    expect(normalisePath("app/[slug]")).to.deep.equal({ ok: true, path: "app/[slug]" });
  });

  for (const text of ["", "..", "a/../..", "/a", ".git/hooks", "a*", "{a,b}", "a\0", "a\\b"]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(normalisePath(text).ok).to.equal(false);
    });
  }
});
