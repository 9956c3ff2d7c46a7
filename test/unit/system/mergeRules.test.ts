import { expect } from "chai";
import { macrosOf, mergeRulesOf, ruleChanges } from "../../../system/mergeRules.ts";
import type { MergeEffect } from "../../../ipc/mergeRules.ts";

const root = ".gitattributes";
const rulesIn = (text: string, file = root, macros = macrosOf(file === root ? text : "")) =>
  mergeRulesOf(file, text, macros).map(({ pattern, words, effect }) => [pattern, words, effect]);

describe("what a .gitattributes says about merging", () => {
  const lines: readonly (readonly [string, string, string, MergeEffect])[] = [
    ["* merge=union", "*", "merge=union", "both_sides"],
    ["\t*.md  text  merge=union\r", "*.md", "merge=union", "both_sides"],
    ["lock -merge", "lock", "-merge", "conflict"],
    ["lock merge=binary eol=lf", "lock", "merge=binary", "conflict"],
    ["*.png binary", "*.png", "binary", "conflict"],
    ["*.c merge=mine", "*.c", "merge=mine", "text"],
    ["*.c merge", "*.c", "merge", "text"],
    ["*.c !merge", "*.c", "!merge", "default"],
    ['"a b" merge=union', '"a b"', "merge=union", "both_sides"],
    ['"ab"merge=union', '"ab"', "merge=union", "both_sides"],
    ["x merge=union -merge", "x", "-merge", "conflict"],
    ["x -merge binary merge=union", "x", "merge=union", "both_sides"],
    ["a*b*c*d*e*f*g* text", "a*b*c*d*e*f*g*", "text", "too_many_wildcards"],
    ["[attr]both merge=union", "[attr]both", "merge=union", "both_sides"],
  ];
  for (const [line, pattern, words, effect] of lines)
    it(`is ${effect} in ${JSON.stringify(line)}`, () => {
      expect(rulesIn(`# first\n\n${line}`)).to.deep.equal([[pattern, words, effect]]);
      expect(rulesIn(`\u00ef\u00bb\u00bf${line}\n`)).to.deep.equal([[pattern, words, effect]]);
    });

  for (const line of ["# * merge=union", "!x merge=union", "*.c text diff=c", "x -binary", "*"])
    it(`is nothing in ${JSON.stringify(line)}`, () => {
      expect(rulesIn(line)).to.deep.equal([]);
    });

  it("leaves out a line that git leaves out for its length", () => {
    expect(rulesIn(`${"a".repeat(2_048)} merge=union\n`)).to.deep.equal([]);
  });

  it("knows what macros of the root's file come to, by way of each other too, and none elsewhere", () => {
    const text = "[attr]one merge=union\n[attr]two -text one\n[attr]round round\nx two\ny round\n";
    expect(rulesIn(text)).to.deep.equal([
      ["[attr]one", "merge=union", "both_sides"],
      ["[attr]two", "one", "both_sides"],
      ["x", "two", "both_sides"],
    ]);
    expect(rulesIn("z two\n", "a/.gitattributes", macrosOf(text))).to.deep.equal([
      ["z", "two", "both_sides"],
    ]);
    expect(rulesIn("[attr]three merge=union\n", "a/.gitattributes")).to.deep.equal([]);
  });

  it("is found out at once where macros stand for each other a million times, or without end", () => {
    const lines = Array.from({ length: 3_000 }, (_, at) => `[attr]m${at} m${at + 1} m${at + 1}\n`);
    const text = `${lines.join("")}[attr]round m2990 round m0 round\nx round -merge m2990\n`;
    expect(rulesIn(text)).to.deep.equal([["x", "-merge", "conflict"]]);
  });

  it("changes by lines that come and go, and by their order", () => {
    const changes = (before: string, after: string) => {
      const rules = (text: string) => mergeRulesOf(root, text, macrosOf(text));
      return ruleChanges(rules(before), rules(after)).map(
        ({ pattern, change }) => `${change} ${pattern}`,
      );
    };
    const [one, two] = ["a merge=union\n", "b -merge\n"];
    expect(changes(one + two, `# more\n${one}c text\n${two}`)).to.deep.equal([]);
    expect(changes(one, one + two)).to.deep.equal(["added b"]);
    expect(changes(one + two, two)).to.deep.equal(["removed a"]);
    expect(changes(one, "a -merge\n")).to.deep.equal(["added a", "removed a"]);
    expect(changes(one + two, two + one)).to.deep.equal(["added b", "added a"]);
  });
});
