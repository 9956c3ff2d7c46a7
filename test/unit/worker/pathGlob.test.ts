import { expect } from "chai";
import { pathGlob } from "../../../worker/workspace/pathGlob.ts";

const cases = [
  [".env", [".env", ".env/x"], [".env.local", "a/.env", "xenv"]],
  [".env*", [".env", ".env.local"], ["a/.env", ".env/x"]],
  ["**/.env", [".env", "a/.env", "a/b/.env"], ["a/xenv", ".env/x"]],
  ["certs/", ["certs/a", "certs/b/c"], ["certs", "certsx/a"]],
  ["./a?.txt", ["ab.txt"], ["a.txt", "abc.txt", "a/.txt"]],
  ["{a,b/c}.json", ["a.json", "b/c.json"], ["b.json", "{a,b/c}.json"]],
  ["a,b+(c)[d].x", ["a,b+(c)[d].x"], ["a", "abc"]],
  ["src/**", ["src/a", "src/a/b"], ["src2/a"]],
  ["src/**/x-*.ts", ["src/x-1.ts", "src/a/b/x-.ts"], ["src/a/x1.ts"]],
] as const;

describe("a glob of workspace.copy", () => {
  for (const [glob, matching, others] of cases) {
    it(`${glob} matches what it names and nothing else`, () => {
      const { matches } = pathGlob(glob);
      expect([...matching, ...others].filter(matches)).to.deep.equal([...matching]);
    });
  }

  it("knows how deep a match can lie, so that no more is walked", () => {
    expect(pathGlob(".env*")).to.include({ prefix: "", depth: 0 });
    expect(pathGlob("a/b/*/c.*")).to.include({ prefix: "a/b", depth: 1 });
    expect(pathGlob("**/.env")).to.include({ prefix: "", depth: null });
    expect(pathGlob("{a,b/c}.json")).to.include({ prefix: "", depth: null });
    expect(pathGlob("certs/")).to.include({ prefix: "certs", depth: null });
  });
});
