import { expect } from "chai";
import { builtInOnly } from "../../../../daemon/landing/attributeLines.ts";

const none: ReadonlySet<string> = new Set();
/** No line of it is the first of the file that git reads. */
const textOf = (source: string): string => builtInOnly(source, none).text.replace(/^\n/, "");

describe("attributes that name nothing but what git has built in", () => {
  it("has text in the place of every driver that is a program", () => {
    const rows: readonly (readonly [string, string])[] = [
      ["a merge=mine", "a merge"],
      ["a\tmerge=mine\r", "a\tmerge\r"],
      ["  a merge=one merge=other text", "  a merge merge text"],
      ['"a b"merge=mine', '"a b"merge'],
      ['"a\\"\\101" merge=mine', '"a\\"\\101" merge'],
      ["[attr]x -diff merge=mine", "[attr]x -diff merge"],
      ["a merge=", "a merge"],
      ["a merge=Union", "a merge"],
    ];
    for (const [source, expected] of rows) expect(textOf(source), source).to.equal(expected);
  });

  it("sees a driver behind quotes that git does not read as such", () => {
    const rows = [
      '"a\\q merge=mine b="',
      '"a merge=mine',
      '\u00ef\u00bb\u00bf"a\\q merge=mine b="',
    ];
    for (const source of rows) expect(textOf(source), source).not.to.contain("mine");
    // Only at the beginning of a file is this mark none of the pattern.
    expect(textOf('x\n\u00ef\u00bb\u00bf"a merge=mine b="')).not.to.contain("mine");
  });

  it("leaves what is built in, and what stands in a pattern, a comment or another value", () => {
    const rows = [
      "a merge=union",
      "a -merge",
      "a !merge",
      "a merge",
      "a binary -text eol=lf",
      '"a merge=mine b" macro',
      "merge=mine macro",
      "a premerge=mine merge",
    ];
    for (const source of rows) expect(textOf(source), source).to.equal(source);
    const marked = "\u00ef\u00bb\u00bf";
    expect(textOf(`${marked}"a merge=mine b" merge`)).to.equal('"a merge=mine b" merge');
  });

  it("names the built-in text and binary so that nobody's driver of that name is meant", () => {
    expect(textOf("a merge=text\nb merge=binary")).to.equal("a merge\nb -merge");
  });

  it("leaves out the size of marks: those that are left are found by their seven", () => {
    expect(textOf("a conflict-marker-size=3 merge=union")).to.equal("a  merge=union");
  });

  it("leaves out what says nothing about merging, and no macro", () => {
    const rows = [
      "*.c text eol=lf",
      "a -text diff=c",
      "# a merge",
      "!a merge",
      "",
      " ",
      "a -binary",
    ];
    for (const source of rows)
      expect(builtInOnly(source, none), source).to.include({ text: "", lines: 0 });
    for (const source of ["[attr]binary text", "a mine", "a text mine"])
      expect(textOf(source)).to.equal(source);
    expect(builtInOnly("a text", new Set(["text"])).text).to.equal("\na text");
  });

  it("does not make a line the first of the file, where git reads a mark as none of the pattern", () => {
    const marked = '\u00ef\u00bb\u00bf"a"merge=mine x';
    expect(builtInOnly(`first text\n${marked}`, none).text).to.equal(`\n${marked}`);
  });

  it("has all files conflict in the place of lines with more wildcards than git can match in time", () => {
    const many = "*a".repeat(7);
    const few = `${"*a".repeat(6)} -merge`;
    const source = `${many} merge=union\n${few}\n"${"\\052a".repeat(7)}" macro\n${many} text`;
    expect(builtInOnly(source, none)).to.deep.equal({
      text: `\n* -merge\n${few}\n* -merge`,
      lines: 3,
      widened: 2,
    });
  });
});
