import { expect } from "chai";
import fc from "fast-check";
import { commitMessage, parseAuthor } from "../../../../daemon/landing/message.ts";
import { cleanText } from "../../../../ipc/commitText.ts";
import type { TaskId } from "../../../../ipc/ids.ts";

const task = "parse" as TaskId;

describe("the message of a landed commit", () => {
  it("ends in the task and the attempt", () => {
    expect(commitMessage({ message: "Add the parser", trailers: {}, task, attempt: 2 })).to.equal(
      "Add the parser\n\nOrchd-Task: parse\nOrchd-Attempt: 2\n",
    );
  });

  it("joins a trailer block that is there already", () => {
    const message = "Add it\n\nWhy.\n\nSigned-off-by: Ada <ada@example.com>\n";
    expect(commitMessage({ message, trailers: { Fixes: "12" }, task, attempt: 1 })).to.equal(
      "Add it\n\nWhy.\n\nSigned-off-by: Ada <ada@example.com>\nFixes: 12\nOrchd-Task: parse\nOrchd-Attempt: 1\n",
    );
  });

  it("does not take a subject for a trailer block", () => {
    expect(commitMessage({ message: "fix: typo", trailers: {}, task, attempt: 1 })).to.match(
      /^fix: typo\n\nOrchd-Task/,
    );
  });

  it("loses the Orchd trailers that somebody wrote into it, in any case and folded", () => {
    const message = "Add it\n\norchd-task: other\n  folded\nORCHD-ATTEMPT : 9\nKept: yes";
    expect(cleanText(message)).to.equal("Add it\n\nKept: yes");
  });

  it("takes no Orchd trailer from the task's own list, nor one hidden behind a line break", () => {
    const trailers = { "Orchd-Task": "other", Note: "a\nOrchd-Task: other", "no key": "x" };
    expect(commitMessage({ message: "Add it", trailers, task, attempt: 1 })).to.equal(
      "Add it\n\nNote: a Orchd-Task: other\nOrchd-Task: parse\nOrchd-Attempt: 1\n",
    );
  });

  it("has each co-author once, whoever named him, and all values of a key", () => {
    const message = "Add it\n\nCo-authored-by: Ada <ada@example.com>\nco-authored-by:  Bob <b@c>";
    const trailers = { "Co-authored-by": ["Bob <b@c>", "Eve <e@f>"], Fixes: "12" };
    expect(commitMessage({ message, trailers, task, attempt: 1 })).to.equal(
      [
        "Add it",
        "",
        "Co-authored-by: Ada <ada@example.com>",
        "co-authored-by: Bob <b@c>",
        "Co-authored-by: Eve <e@f>",
        "Fixes: 12",
        "Orchd-Task: parse",
        "Orchd-Attempt: 1",
        "",
      ].join("\n"),
    );
  });

  it("names the task when nothing else is left", () => {
    expect(
      commitMessage({ message: "Orchd-Task: x\n\0", trailers: {}, task, attempt: 1 }),
    ).to.match(/^Task parse\n\n/);
  });

  it("has exactly one Orchd-Task line, whatever was asked for", () => {
    const piece = fc.constantFrom(
      "Orchd-Task",
      ":",
      " ",
      "\n",
      "\r",
      "\0",
      "x",
      "orchd-attempt: 3",
    );
    const text = fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, text, (message, value) => {
        const made = commitMessage({ message, trailers: { Note: value }, task, attempt: 1 });
        const lines = made.split("\n").filter((line) => /^orchd-task\s*:/i.test(line));
        expect(lines).to.deep.equal(["Orchd-Task: parse"]);
      }),
    );
  });
});

describe("the author of a task", () => {
  it("is a name and a mail address", () => {
    expect(parseAuthor("Ada Lovelace <ada@example.com>")).to.deep.equal({
      name: "Ada Lovelace",
      email: "ada@example.com",
    });
  });

  it("is refused in any other form", () => {
    for (const author of ["Ada", "<ada@example.com>", "Ada <a@b> <c@d>", "A\nB <a@b>"])
      expect(parseAuthor(author), author).to.equal(null);
  });
});
