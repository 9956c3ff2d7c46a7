import { unreachable } from "../../ipc/errors.ts";
import type {
  MergeEffect,
  MergeRule,
  MergeRuleChange,
  MergeRuleChanges,
} from "../../ipc/mergeRules.ts";
import type { MergingView } from "../../ipc/statusViews.ts";
import type { Look } from "./paint.ts";
import { fit, plain } from "./text.ts";
import { span } from "./time.ts";

/** What landed work changes in how files merge: `t-a landed 5m ago: .gitattributes says of *: …`. */
export function mergingLines(merging: readonly MergingView[], look: Look): string[] {
  return merging.flatMap((one) => {
    const when =
      one.status === "landing" ? "is landing" : `landed ${span(look.now - one.since)} ago`;
    const [first = "", ...rest] = mergingWords({ ...one, rules: one.rules.slice(0, linesMax) });
    return [`${one.task} ${when}: ${first}`, ...rest.map((words) => `  ${words}`)].map((line) =>
      look.paint("warn", fit(`  ${line}`, look.width)),
    );
  });
}

/** Of one task in the page of all. */
const linesMax = 3;

/** A sentence for each change. */
export function mergingWords(changes: MergeRuleChanges | null): string[] {
  if (changes === null) return [];
  const { rules, total } = changes;
  const more = total > rules.length ? [`and ${total - rules.length} more`] : [];
  return [...rules.map(changeWords), ...more];
}

function changeWords({ change, ...rule }: MergeRuleChange): string {
  return ruleWords(rule, change === "added" ? "says" : "no longer says");
}

/** `.gitattributes says of *.md: lines of both sides are kept, nothing conflicts (merge=union)`. */
export function ruleWords({ file, pattern, words, effect }: MergeRule, says = "says"): string {
  if (effect === "too_large") return `${plain(file)} is ${effectWords(effect)}`;
  const of = pattern === "" ? "" : ` of ${plain(pattern)}`;
  const by = words === "" ? "" : ` (${plain(words)})`;
  return `${plain(file)} ${says}${of}: ${effectWords(effect)}${by}`;
}

function effectWords(effect: MergeEffect): string {
  switch (effect) {
    case "both_sides":
      return "lines of both sides are kept, nothing conflicts";
    case "conflict":
      return "two changes of a file conflict, they are not merged as text";
    case "text":
      return "merged as text";
    case "default":
      return "merged as if nothing were said before";
    case "too_many_wildcards":
      return "too many wildcards to merge by, and git may take minutes over it in every workspace";
    case "too_large":
      return "too large to be read: two changes of a file below conflict";
    default:
      return unreachable(effect);
  }
}
