import type { Oid, TaskId } from "../../ipc/ids.ts";
import type { MergeRuleChanges } from "../../ipc/mergeRules.ts";
import type { Next, RedGate } from "./attemptFacts.ts";

/** The task is the next of the chain: it is merged onto the one before, the first onto the branch's tip. */
export type LandingStarted = { readonly type: "LandingStarted"; readonly task: TaskId };

/**
 * `gate`: the chain ends here and is tested (the sequence of this event is the fence of that run), needs
 * no test and lands, or is not decided about yet (`null`), because others join it or results are known.
 */
export type CandidateMade = {
  readonly type: "CandidateMade";
  readonly task: TaskId;
  readonly candidate: Oid;
  readonly tree: Oid;
  readonly onto: Oid;
  readonly ontoTree: Oid;
  readonly gate: boolean | null;
};

/**
 * With the task's candidate the `.gitattributes` say something else about merging, for all that is merged
 * after it; no rules: with another candidate they did, with this one not.
 */
export type MergeRulesChanged = MergeRuleChanges & {
  readonly type: "MergeRulesChanged";
  readonly task: TaskId;
};

/** The chain up to and including the task is tested. The sequence of this event is the fence of the run. */
export type GateStarted = { readonly type: "GateStarted"; readonly task: TaskId };

/** A tree failed: that of the task's candidate, or of the base of the chain. */
export type GateRed = {
  readonly type: "GateRed";
  readonly task: TaskId;
  readonly tree: Oid;
  readonly red: RedGate;
};

/** The candidate is red by a repository-wide command and nobody knows whether its base is green: test that first. */
export type BaseSuspected = {
  readonly type: "BaseSuspected";
  readonly task: TaskId;
  readonly red: RedGate;
};

/** The tree under the candidate is red by itself: nobody is blamed, the task waits for another base. */
export type BaseRed = {
  readonly type: "BaseRed";
  readonly task: TaskId;
  readonly tree: Oid;
  readonly message: string;
};

/** A tree passed: the candidate's, and the chain lands up to there, or that of its base, and then the red candidate is to blame. */
export type GatePassed = { readonly type: "GatePassed"; readonly task: TaskId; readonly tree: Oid };

/**
 * The run of the gate could not be run, and `LandingHeld` says why and until when. The candidate stays.
 * `setup`: its setup failed and that of its base did not: once more, and it is red.
 */
export type GateLost = {
  readonly type: "GateLost";
  readonly task: TaskId;
  readonly setup: RedGate | null;
};

/** The setup failed on the candidate: is it the same on the chain's base? The sequence of this event is the fence of that run. */
export type SetupSuspected = {
  readonly type: "SetupSuspected";
  readonly task: TaskId;
  readonly red: RedGate;
};

/** Of the first of a chain. Merge again: the branch moved under the candidate, or its gate run was cut short or tests what no longer counts. */
export type CandidateDropped = {
  readonly type: "CandidateDropped";
  readonly task: TaskId;
  /** `gate_lost` and `chain_lost` occur in older journals only. */
  readonly because: "outdated" | "gate_ended" | "gate_lost" | "chain_lost" | "commands_changed";
  /** The fence of a gate run that goes on and has to be ended. */
  readonly openGate: number | null;
};

/** It leaves the chain and waits again: one in front of it left, it does not fit behind those, or the gate cannot be run. */
export type LandingPutBack = {
  readonly type: "LandingPutBack";
  readonly task: TaskId;
  readonly because: "chain_cut" | "conflict" | "no_change" | "generation" | "unavailable";
  /** The fence of a gate run that goes on and has to be ended. */
  readonly openGate: number | null;
};

/** Nothing could be found out about a chain: the next ones are this long at most, until one passes. */
export type ChainShortened = { readonly type: "ChainShortened"; readonly length: number };

/**
 * Both sides of the task's merge changed generated files: `tree` has one of them for each, `commit` is of
 * that tree, and the files that `globs` stand for are made anew on it. The sequence of this event is
 * the fence of that run.
 */
export type GenerationStarted = {
  readonly type: "GenerationStarted";
  readonly task: TaskId;
  readonly commit: Oid;
  readonly tree: Oid;
  readonly globs: readonly string[];
  /** The first of the files. */
  readonly paths: readonly string[];
};

/** The files of `from` are made, which gives `tree`: the task is merged again, with that. */
export type Regenerated = {
  readonly type: "Regenerated";
  readonly task: TaskId;
  readonly from: Oid;
  readonly tree: Oid;
  /** The first of the other paths that the commands changed, which do not count. */
  readonly others: readonly string[];
};

export type LandingEnded = {
  readonly type: "LandingEnded";
  readonly task: TaskId;
  readonly next: Next;
  /** The fence of a gate run that goes on and has to be ended. */
  readonly openGate: number | null;
};

/** Nothing lands until a person acts (or the cause goes away and the timer finds out). */
export type LandingHeld = { readonly type: "LandingHeld"; readonly reason: HeldReason };
export type HeldReason =
  | {
      readonly kind: "rewound" | "base_red" | "signature" | "problem";
      readonly message: string;
    }
  | GateUnavailable;
/** Checks could not be run, `tries` times in a row; `since` and `tryAt` (the next try) in milliseconds since the epoch. */
export type GateUnavailable = {
  readonly kind: "gate_unavailable";
  readonly message: string;
  readonly tries: number;
  readonly since: number;
  readonly tryAt: number;
};
export type LandingReleased = {
  readonly type: "LandingReleased";
  /** Where a rewind that was settled left orchd's branch; `null`: it did not move. */
  readonly tip: Oid | null;
  /** And the target; absent: at `tip`. */
  readonly followed?: Oid;
};

export type TargetFollowed = { readonly type: "TargetFollowed"; readonly to: Oid };
export type FollowWaiting = {
  readonly type: "FollowWaiting";
  readonly reason: string;
  readonly paths: readonly string[];
};
