import type { HeldReason } from "./landingFacts.ts";
import type { LandingLine } from "./landingLine.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";
import type { PushPlace } from "./coreSettings.ts";
import type { PushProblem } from "./events.ts";
import type { RedGate } from "./attemptFacts.ts";

/** Where a task in status `landing` is on its way (landing.ts, chain.ts, gate.ts). */
export type LandingStep =
  /** `redBase`: the tree it was not merged onto, because that tree is red by itself. */
  | { readonly at: "waiting"; readonly redBase: Oid | null }
  /** `onto`: the candidate in front of it in the chain; absent: the branch's tip. */
  | {
      readonly at: "merging";
      readonly since: number;
      readonly onto?: Oid;
      readonly regenerated?: Regenerated;
    }
  /** Files that both sides changed are made anew on `commit`, whose tree is `tree` (generation.ts). */
  | {
      readonly at: "generating";
      readonly since: number;
      readonly fence: number;
      readonly commit: Oid;
      readonly tree: Oid;
      readonly globs: readonly string[];
      readonly onto?: Oid;
    }
  /** Its candidate is made and waits for a gate run or for those in front of it to land. */
  | {
      readonly at: "chained";
      readonly since: number;
      readonly candidate: Candidate;
      /** The chain up to and including it failed like this. */
      readonly red: RedGate | null;
      /** How its setup failed, once; that of its base did not (unavailable.ts). */
      readonly setup?: RedGate;
    }
  | {
      readonly at: "gate";
      readonly since: number;
      readonly fence: number;
      readonly candidate: Candidate;
      /** Set while the base is tested because the candidate was red. */
      readonly suspected: RedGate | null;
      /** How the candidate's setup failed: now that of the chain's base is tried, or the candidate's once more. */
      readonly setup?: { readonly red: RedGate; readonly on: "base" | "candidate" };
    }
  | { readonly at: "moving"; readonly since: number; readonly candidate: Candidate };

/** What a merge that comes to the tree `from` really comes to. */
export type Regenerated = { readonly from: Oid; readonly tree: Oid };

export type Candidate = {
  readonly commit: Oid;
  readonly tree: Oid;
  readonly onto: Oid;
  readonly ontoTree: Oid;
};

export type LandingState = {
  /** Where orchd's branch was last seen or moved to. */
  tip: Oid | null;
  /** The tree of the tip when that is known to be red. */
  redBase: Oid | null;
  /** Where following left the person's branch. */
  followed: Oid | null;
  followProblem: { reason: string; paths: readonly string[] } | null;
  held: HeldReason | null;
  /** Tasks that land together, first to land first: each candidate is merged onto the one before. */
  chain: readonly TaskId[];
  /** The one of the chain that is at work: merged, tested with all in front of it, or the last that the branch is moved for. */
  current: TaskId | null;
  /** Tasks that do not fit behind this chain's others: they wait until it is over. */
  readonly aside: Set<TaskId>;
  /** Length of the next chain, while gate runs of longer ones come to nothing. */
  window: number | null;
  /** Tasks in status `landing` that are not in the chain, in the order in which they would land. */
  readonly waiting: LandingLine;
  /** Trees that the repository-wide commands passed on, newest last, at most `greenTreesMax`. */
  readonly green: Set<Oid>;
  /** Trees that they failed on, newest last, at most `redTreesMax`. */
  readonly red: Map<Oid, RedGate>;
  /** Trees with generated files of one side each, and what they came to, newest last, at most `generatedTreesMax`. */
  readonly generated: Map<Oid, { readonly globs: readonly string[]; readonly tree: Oid }>;
};

export type PushState = {
  readonly place: PushPlace;
  /** What the remote's branch is known to have been at last; `null`: nothing is known. */
  accepted: Oid | null;
  /** Commits of tasks that landed since. */
  commits: number;
  problem: PushProblem | null;
};

export const greenTreesMax = 256;
export const redTreesMax = 16;
export const generatedTreesMax = 64;
