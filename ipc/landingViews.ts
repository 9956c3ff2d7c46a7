import type { Oid, TaskId } from "./ids.ts";
import type { PushView } from "./pushView.ts";

/** Whether the person's branch has what landed. */
export type TargetView = Pick<
  LandingView,
  "branch" | "target" | "follow" | "follow_problem" | "held"
> & {
  /** It lacks something that landed on `branch`. */
  behind: boolean;
};

export type LandingView = {
  branch: string;
  target: string;
  follow: "auto" | "manual" | "off";
  tip: Oid | null;
  target_tip: Oid | null;
  /** Commits on the branch that the target does not have yet. */
  ahead: number;
  /** Tasks that wait to land, first to land first; those of `chain` are at work. */
  waiting: TaskId[];
  current: {
    task: TaskId;
    step: "merging" | "generating" | "gate" | "moving";
    since: number;
  } | null;
  /** Tasks that land together, first to land first; `current` is one of them. */
  chain: TaskId[];
  /** Those whose combined tree the gate tests now, the first of the chain up to `current`; empty: the tree below them. */
  testing: TaskId[] | null;
  /** Why the target does not follow, in words; `null` when it does or need not. */
  follow_problem: string | null;
  /** Set while landing is held for a person (a rewound target, a checkout of orchd's branch). */
  held: string | null;
  /** The first `.gitattributes` that are too large to merge by (two changes of a file below them conflict), and how many; `null`: none. */
  attributes_left_out: { paths: string[]; total: number } | null;
  /** `null`: nothing is pushed. */
  push: PushView | null;
};
