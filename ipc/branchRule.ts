import { quoted } from "./location.ts";
import type { Rule } from "./textRules.ts";

export const branchLengthMax = 200;

/** The main rules of git-check-ref-format. */
export const branchRule: Rule = (name) => {
  if (name.startsWith("refs/"))
    return `${quoted(name)} is a whole ref; write the branch, as in main`;
  const isWrong =
    name === "" ||
    name === "@" ||
    name === "HEAD" ||
    name.length > branchLengthMax ||
    // Space, control characters, and the characters that have a meaning in revisions.
    /[\s\p{Cc}~^:?*[\\]|\.\.|@\{|\/\/|^[-/.]|\/\.|[/.]$|\.lock(?:\/|$)/u.test(name);
  return isWrong ? `${quoted(name)} is no name for a branch` : null;
};
