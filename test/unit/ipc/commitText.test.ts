import { expect } from "chai";
import { agentText, cleanText, taskText, templateRule } from "../../../ipc/commitText.ts";
import { messageLengthMax } from "../../../ipc/taskRules.ts";
import { joinTrailers } from "../../../ipc/trailers.ts";
import { spec } from "../../helpers/core.ts";

const task = spec("parse", {
  title: "Add the parser",
  objective: "Reads {title}",
  labels: ["a", "b"],
});
const source = (template: string, of = task) => ({ spec: of, attempt: 2, template });

describe("the text of a task's commit", () => {
  it("is the template, filled in once", () => {
    expect(
      taskText(source("{title} ({id}.{attempt})\n\n{objective}{decision}\n[{labels}]")),
    ).to.equal("Add the parser (parse.2)\n\nReads {title}\n[a, b]");
    expect(taskText(source("{{id}} {id}"))).to.equal("{id} parse");
  });

  it("is the task's own message before any template", () => {
    const own = { ...task, commit: { ...task.commit, message: "{id} stays" } };
    expect(taskText(source("{title}", own))).to.equal("{id} stays");
  });

  it("refuses a template with a placeholder that nobody knows, or a single brace", () => {
    expect(templateRule("{title}\n\n{objective} {{x}}")).to.equal(null);
    expect(templateRule("{titel}")).to.match(/"\{titel\}".*\{title\}/);
    expect(templateRule("{constructor}")).to.match(/nobody knows/);
    for (const text of ["{", "a } b", "{id", "{a\nb}"])
      expect(templateRule(text), text).to.match(/single brace/);
    expect(templateRule("  ")).to.match(/empty/);
    expect(templateRule("\u001b[31m{id}")).to.match(/control character/);
  });
});

describe("the text that an agent's commits give", () => {
  const from = (...messages: string[]) => agentText(messages, source("{title}"));

  it("is that of the one commit there is, comment lines and all, without forged trailers", () => {
    const message = "Fix it\r\n\r\n# not a comment\nWhy\u0007.\n\nOrchd-Task: other\nFixes: 1\n";
    expect(from(message)).to.equal("Fix it\n\n# not a comment\nWhy.\n\nFixes: 1");
  });

  it("is the task's own words and all messages when there are several, each trailer once", () => {
    const by = "Co-authored-by: Ada <a@b>";
    expect(from(`One\n\n${by}`, `Two\n\nmore\n\n${by}\nFixes: 2`)).to.equal(
      `Add the parser\n\nOne\n\nTwo\n\nmore\n\n${by}\nFixes: 2`,
    );
  });

  it("is none when they say nothing", () => {
    expect(from()).to.equal(null);
    expect(from(" \n", "Orchd-Task: x")).to.equal(null);
  });

  it("is cut where it is longer than any message may be, and keeps its trailers", () => {
    const text = from(`Long\n\n${"x".repeat(20_000)}\n\nFixes: 1`) ?? "";
    expect(text.length).to.be.within(messageLengthMax, messageLengthMax + 100);
    expect(text).to.match(/cut off by orchd\]\n\nFixes: 1$/);
  });
});

describe("a text cleaned for a commit", () => {
  it("loses what could deceive on a terminal, and keeps tabs and lines that begin with #", () => {
    expect(cleanText("a\u202eb\u0000\u001b[1m\tc  \n\n\n\n# d\u009b\n")).to.equal(
      "ab[1m\tc\n\n# d",
    );
  });
});

describe("trailers of two sources", () => {
  it("are joined by key, the first source in front", () => {
    expect(joinTrailers({ A: "1", B: ["2", "3"] }, { B: "4", C: "5" })).to.deep.equal({
      A: ["1"],
      B: ["2", "3", "4"],
      C: ["5"],
    });
  });
});
