/** What a line of a `.gitattributes` says about merging. */
export type MergeRule = {
  /** The `.gitattributes`, from the root. */
  file: string;
  /** For which files, as it is written; `[attr]name` where the line makes a macro; empty: all that the file says. */
  pattern: string;
  /** What the line says it by: `merge=union`, `-merge`, `binary`, a macro. */
  words: string;
  effect: MergeEffect;
};

export type MergeEffect =
  /** Lines of both sides are kept, nothing conflicts. */
  | "both_sides"
  /** Two changes of a file conflict, wherever in it they are. */
  | "conflict"
  /** As git does it by itself. */
  | "text"
  /** What other lines said before it counts no more. */
  | "default"
  /** More wildcards than are matched when merging, and git may be slow over it wherever it is checked out. */
  | "too_many_wildcards"
  /** The file is larger than is read. */
  | "too_large";

export type MergeRuleChange = MergeRule & { change: "added" | "removed" };

/** The first `mergeRulesMax` of them, and how many there are. */
export type MergeRuleChanges = {
  readonly rules: readonly MergeRuleChange[];
  readonly total: number;
};

export const mergeRulesMax = 20;
