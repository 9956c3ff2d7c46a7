import { expect } from "chai";
import { mergingFindings } from "../../../cli/doctor/merging.ts";
import { landingLines } from "../../../cli/render/landing.ts";
import { painter } from "../../../cli/render/paint.ts";
import { statusPage } from "../../../cli/render/status.ts";
import { taskPage } from "../../../cli/render/task.ts";
import type { MergeRuleChange } from "../../../ipc/mergeRules.ts";
import { id, landing, now, secondsAgo, statusView, taskView } from "./views.ts";

const look = { width: 120, paint: painter(false), now };
const rule = (more: Partial<MergeRuleChange> = {}): MergeRuleChange => ({
  change: "added",
  file: ".gitattributes",
  pattern: "*",
  words: "merge=union",
  effect: "both_sides",
  ...more,
});
const other = rule({
  change: "removed",
  pattern: "lock\u001b[2J",
  words: "-merge",
  effect: "conflict",
});

describe("how files merge from now on", () => {
  it("is in `show`, a line each, with how many more there are", () => {
    const page = taskPage(taskView({ merging: { rules: [rule(), other], total: 9 } }), look);
    expect(page.split("\n").filter((line) => line.includes("merging"))).to.deep.equal([
      "  merging    .gitattributes says of *: lines of both sides are kept, nothing conflicts (merge=union)",
      "  merging    .gitattributes no longer says of lock: two changes of a file conflict, they are not merged as text (-merge)",
      "  merging    and 7 more",
    ]);
    expect(taskPage(taskView(), look)).to.not.include("merging");
  });

  it("is in `status`, the first lines of each task", () => {
    const three = { rules: [rule(), rule({ pattern: "a" }), rule({ pattern: "b" })], total: 3 };
    const landed = { task: id("t1"), status: "succeeded", since: secondsAgo(60) } as const;
    const lands = {
      task: id("t2"),
      status: "landing",
      since: now,
      rules: [other],
      total: 1,
    } as const;
    const page = statusPage(statusView({ merging: [lands, { ...landed, ...three }] }), look);
    const at = page.indexOf("Merging changes 2");
    expect(page.slice(at).split("\n").slice(1, 6)).to.deep.equal([
      "  t2 is landing: .gitattributes no longer says of lock: two changes of a file conflict, they are not merged as text (-m…",
      "  t1 landed 1m00s ago: .gitattributes says of *: lines of both sides are kept, nothing conflicts (merge=union)",
      "    .gitattributes says of a: lines of both sides are kept, nothing conflicts (merge=union)",
      "    .gitattributes says of b: lines of both sides are kept, nothing conflicts (merge=union)",
      "",
    ]);
    expect(statusPage(statusView(), look)).to.not.include("Merging");
  });

  it("is told where it is too large to be read", () => {
    const left = { ...landing, attributes_left_out: { paths: ["a", "b", "c", "d"], total: 12 } };
    expect(landingLines(left, look).at(-1)).to.equal(
      "  too large to merge by: a, b, c and 9 more; two changes of a file below conflict",
    );
  });

  it("is a finding of doctor, a warning where it counts for all files or costs too much", () => {
    const slow = rule({ pattern: "a*b*c*d*e*f*g*", words: "text", effect: "too_many_wildcards" });
    const usual = rule({ pattern: "CHANGES" });
    const all = rule({ pattern: "**/*", words: "binary", effect: "conflict" });
    const found = mergingFindings([
      usual,
      rule(),
      slow,
      all,
      rule({ words: "merge", effect: "text" }),
    ]);
    expect(found.map(({ level, message }) => `${level}: ${message}`)).to.deep.equal([
      "ok: 2 lines of .gitattributes say how files merge: CHANGES (merge=union), * (merge)",
      "warning: .gitattributes says of *: lines of both sides are kept, nothing conflicts (merge=union).",
      "warning: .gitattributes says of a*b*c*d*e*f*g*: too many wildcards to merge by, and git may take minutes over it in every workspace (text).",
      "warning: .gitattributes says of **/*: two changes of a file conflict, they are not merged as text (binary).",
    ]);
    const large = rule({ file: "a/.gitattributes", pattern: "", words: "", effect: "too_large" });
    expect(mergingFindings([large])[0]?.message).to.equal(
      "a/.gitattributes is too large to be read: two changes of a file below conflict.",
    );
    expect(mergingFindings([])).to.deep.equal([]);
  });
});
