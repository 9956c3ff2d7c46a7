import { execFileSync } from "node:child_process";
import { expect } from "chai";
import fc from "fast-check";
import { commitMessage } from "../../../daemon/landing/message.ts";
import { cleanText } from "../../../ipc/commitText.ts";
import { splitTrailers } from "../../../ipc/trailers.ts";
import type { TaskId } from "../../../ipc/ids.ts";

/** What git itself sees as the trailers of a message, one a line. */
function gitsTrailers(message: string): string[] {
  const args = ["interpret-trailers", "--parse", "--no-divider"];
  const printed = execFileSync("git", args, { input: message, encoding: "utf8" });
  return printed.split("\n").filter(Boolean);
}

const line = fc.constantFrom(
  "Add the parser",
  "Why it is needed",
  "",
  "",
  "Co-authored-by: Ada <ada@example.com>",
  "co-authored-by:Ada <ada@example.com>",
  "Fixes: 12",
  "Signed-off-by: Bob <bob@example.com>",
  "(cherry picked from commit 0123)",
  "  folded",
  "Note : with a space",
  "Two words: none",
  "fix: typo",
);
const message = fc
  .array(line, { minLength: 1, maxLength: 12 })
  .map((lines) => cleanText(lines.join("\n")))
  .filter((text) => text !== "");

describe("the trailers of a message", () => {
  it("are those that git sees", function () {
    this.timeout(60_000);
    fc.assert(
      fc.property(message, (text) => {
        const ours = splitTrailers(text).trailers.map(({ key, value }) => `${key}: ${value}`);
        expect(ours).to.deep.equal(gitsTrailers(`${text}\n`));
      }),
      { numRuns: 300 },
    );
  });

  it("are all seen by git in the commit that lands, each once, ours at the end", function () {
    this.timeout(60_000);
    const task = "parse" as TaskId;
    const trailers = { "Co-authored-by": ["Ada <ada@example.com>", "Eve <eve@example.com>"] };
    fc.assert(
      fc.property(message, (text) => {
        const seen = gitsTrailers(commitMessage({ message: text, trailers, task, attempt: 3 }));
        expect(seen.slice(-2)).to.deep.equal(["Orchd-Task: parse", "Orchd-Attempt: 3"]);
        const named = seen.map((one) => one.toLowerCase());
        expect(new Set(named).size).to.equal(named.length);
        const before = splitTrailers(text).trailers.map(({ key, value }) => `${key}: ${value}`);
        expect(named).to.include.members(before.map((one) => one.toLowerCase()));
        expect(seen.join("\n")).to.match(/authored-by: Ada[^]*authored-by: Eve/i);
      }),
      { numRuns: 150 },
    );
  });
});
