import { expect } from "chai";
import { parseConfig } from "../../../ipc/config.ts";
import { mintTaskId } from "../../../ipc/ids.ts";
import { parseTaskFile } from "../../../ipc/taskFile.ts";
import { pages, readPage, withTables } from "../../../scripts/reference.ts";

/** The fenced examples of a page, with their language. */
function examplesIn(page: (typeof pages)[number]): { language: string; text: string }[] {
  const fences = readPage(page).matchAll(/^```(\w+)\n([^]*?)^```$/gm);
  return Array.from(fences, ([, language = "", text = ""]) => ({ language, text }));
}

describe("the reference pages", () => {
  for (const page of pages) {
    it(`hold the tables that the schemas give (${page}; \`node scripts/reference.ts\` renews them)`, () => {
      expect(withTables(readPage(page))).to.equal(readPage(page));
    });
  }

  it("notice a table that is behind", () => {
    const behind = "<!-- generated: exit codes -->\n\n| old |\n\n<!-- end -->\n";
    expect(withTables(behind)).to.include("usage or invalid input").and.not.include("old");
  });

  it("show task files that are valid", () => {
    const examples = examplesIn("task.md");
    expect(examples).to.have.length.above(2);
    for (const { language, text } of examples) {
      const parsed = parseTaskFile(text, { name: `task.md.${language}`, mint: mintTaskId });
      expect(parsed.ok ? [] : parsed.failure.problems, text).to.deep.equal([]);
    }
  });

  it("show configurations that are valid", () => {
    const examples = examplesIn("config.md");
    expect(examples).to.have.length.above(2);
    for (const { text } of examples) {
      const parsed = parseConfig(text, { name: "config.md", env: {}, flags: {} });
      expect(parsed.ok ? [] : parsed.failure.problems, text).to.deep.equal([]);
    }
  });

  it("show the failure that this task file really gives", () => {
    const [example] = examplesIn("errors.md");
    const file = "tasks:\n  - run: [a]\n    timeout: soon\n";
    const parsed = parseTaskFile(file, { name: "tasks.yaml", mint: mintTaskId });
    const shown: unknown = JSON.parse(example?.text ?? "");
    expect(parsed.ok ? null : { error: parsed.failure }).to.deep.equal(shown);
  });
});
