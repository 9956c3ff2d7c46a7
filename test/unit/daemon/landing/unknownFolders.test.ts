import { expect } from "chai";
import { foldersOf, isOutdone } from "../../../../daemon/landing/unknownFolders.ts";

const many = (count: number, pathOf: (at: number) => string): string[] =>
  Array.from({ length: count }, (_, at) => pathOf(at));

describe("folders of attributes that are not known", () => {
  it("are those of the files, and say nothing against files further below", () => {
    const unknown = foldersOf([".gitattributes", "a/b/.gitattributes"]);
    expect([...unknown.folders]).to.deep.equal(["", "a/b"]);
    expect(isOutdone("a/b/c/.gitattributes", unknown)).to.equal(false);
    expect(foldersOf([]).folders.size).to.equal(0);
  });

  it("are those above where they are many, and then nothing below counts", () => {
    const paths = many(501, (at) => `a/${at % 2}/${at}/.gitattributes`);
    const unknown = foldersOf(paths);
    expect([...unknown.folders]).to.deep.equal(["a/0", "a/1"]);
    expect(isOutdone("a/1/x/.gitattributes", unknown)).to.equal(true);
    expect(isOutdone("a/1/.gitattributes", unknown)).to.equal(true);
    expect(isOutdone("a/.gitattributes", unknown)).to.equal(false);
    expect(isOutdone("a/11/.gitattributes", unknown)).to.equal(false);
  });

  it("are the root where nothing else stands in for all of them", () => {
    const unknown = foldersOf(many(501, (at) => `${at}/.gitattributes`));
    expect([...unknown.folders]).to.deep.equal([""]);
    expect(isOutdone("x/.gitattributes", unknown)).to.equal(true);
    expect(isOutdone(".gitattributes", unknown)).to.equal(true);
  });
});
