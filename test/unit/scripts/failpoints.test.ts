import { expect } from "chai";
import { failpointsOf, projectFailpoints } from "../../../scripts/failpoints.ts";

function bareIn(...lines: readonly string[]): string[] {
  const { bare } = failpointsOf([{ file: "worker/a.ts", text: lines.join("\n") }]);
  return bare.map(({ line, call }) => `${line} ${call}`);
}

describe("the failpoints of the sources", () => {
  it("are around every durable call, each with a name of its own", async () => {
    const { names, bare, unnamed } = await projectFailpoints();
    expect(bare.map(({ file, line, call }) => `${file}:${line} ${call}`)).to.deep.equal([]);
    expect(unnamed).to.deep.equal([]);
    const sorted = names.map(({ name }) => name).toSorted();
    expect(sorted).to.deep.equal([...new Set(sorted)]);
    expect(sorted.length).to.be.greaterThan(100);
  });

  it("are missed around files that are written, synced, renamed, linked or removed", () => {
    expect(
      bareIn(
        'import { rename } from "node:fs/promises";',
        "await file.sync();",
        "await rename(one, other);",
        "fs.fdatasyncSync(file);",
        "await Promise.all(paths.map((path) => rm(path)));",
        "class Log { write(line) { writeSync(this.#file, line); } }",
        "await writeDurably(path, text);",
      ),
    ).to.deep.equal([
      "2 sync",
      "3 rename",
      "4 fdatasyncSync",
      "5 rm",
      "6 writeSync",
      "7 writeDurably",
    ]);
  });

  it("are missed around commits of SQLite and writing commands of git", () => {
    expect(
      bareIn(
        'db.exec("BEGIN IMMEDIATE");',
        'db.exec("COMMIT");',
        'await git(place, ["update-ref", ref, to]);',
        'const args = ["commit-tree", tree];',
        'await git(place, ["rev-parse", "HEAD"]);',
        'await git(place, ["read-tree", "-m", "-n", one, other]);',
      ),
    ).to.deep.equal(["2 COMMIT", "3 git update-ref", "4 git commit-tree"]);
  });

  it("are seen around a call wherever in the step it is", () => {
    expect(
      bareIn(
        'await failpoint("a.one", () => rename(one, other));',
        'failpointNow("a.two", () => { for (const path of paths) rmSync(path); });',
        'await failpoint("a.three", async () => { await file.sync(); }).catch(() => {});',
        'await other("a.four", () => rename(one, other));',
      ),
    ).to.deep.equal(["4 rename"]);
  });

  it("must have their names written out", () => {
    const text = 'failpointNow(name, () => rmSync(path));\nfailpointNow("a", () => rmSync(path));';
    const { names, unnamed } = failpointsOf([{ file: "worker/a.ts", text }]);
    expect(unnamed).to.deep.equal([{ file: "worker/a.ts", line: 1 }]);
    expect(names.map(({ name }) => name)).to.deep.equal(["a"]);
  });
});
