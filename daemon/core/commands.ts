import type { CoreSettings, PushPlace } from "./coreSettings.ts";
import type { PushProblem } from "./events.ts";
import type { HeldReason } from "./landingFacts.ts";
import type { Failure } from "../../ipc/errors.ts";
import type { HoldEnd, HoldOwner, HoldRequest } from "../../ipc/hold.ts";
import type { HolderId, HoldId, Oid, RequestId, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { AttemptKey, Report, Saved } from "../../ipc/workerMessages.ts";
import type { MergeRuleChanges } from "../../ipc/mergeRules.ts";
import type { StoredTask } from "./state.ts";
import type { ClaimSet, TaskSpec } from "../../ipc/taskSpec.ts";

/**
 * What is asked of the core: by people (submit … land), by workers and their processes (worker…,
 * report) and by adapters that carried out an effect (merged, moved, followed …). Time comes in as
 * `at`, beside the command. A fact that came too late to matter is accepted and changes nothing.
 */
export type Command =
  | { readonly type: "supervisorStarted"; readonly epoch: number; readonly settings: CoreSettings }
  | { readonly type: "settingsChanged"; readonly settings: CoreSettings }
  | { readonly type: "branchPrepared"; readonly tip: Oid; readonly targetTip: Oid | null }
  | { readonly type: "submit"; readonly tasks: readonly Submission[] }
  | { readonly type: "cancel"; readonly ids: readonly TaskId[] }
  | {
      readonly type: "retry";
      readonly request: RequestId;
      readonly ids: readonly TaskId[];
      /** Those of `ids` that are final and no longer in memory, from the journal. */
      readonly archived: ReadonlyMap<TaskId, StoredTask>;
    }
  /** A person's commit, looked at and pinned, takes the place of parked work. */
  | {
      readonly type: "resolve";
      readonly request: RequestId;
      readonly task: TaskId;
      readonly saved: Saved;
      /** When it is no longer in memory, from the journal. */
      readonly archived: StoredTask | null;
    }
  /** Without ids: everything. */
  | { readonly type: "pause"; readonly ids: readonly TaskId[] }
  | { readonly type: "resume"; readonly ids: readonly TaskId[] }
  /** All tasks with the label, also later ones. */
  | { readonly type: "pauseLabel" | "resumeLabel"; readonly label: string }
  | {
      readonly type: "workerReady";
      readonly worker: WorkerId;
      readonly holding: readonly AttemptKey[];
    }
  | { readonly type: "workerGone"; readonly worker: WorkerId }
  | { readonly type: "report"; readonly worker: WorkerId; readonly report: Report }
  /** No paths: what was foreseen is no longer so. */
  | {
      readonly type: "foresee";
      readonly task: TaskId;
      readonly other: TaskId | null;
      readonly paths: readonly string[];
    }
  /** `onto`: the candidate that it was asked to be merged onto, instead of the tip. */
  | ({ readonly type: "merged"; readonly result: MergeResult; readonly onto?: Oid } & LandingKey)
  | ({ readonly type: "moved"; readonly result: MoveResult } & LandingKey)
  /** Landing cannot go on until somebody or something else acts. */
  | { readonly type: "landingHeld"; readonly reason: HeldReason }
  /** Try again what was held. `tip`: the person's branch was accepted as it is now. */
  | {
      readonly type: "landingReleased";
      readonly tip: Oid | null;
      /** Where the target is then; absent: at `tip`. */
      readonly followed?: Oid | null;
    }
  /** `wait: false`: granted now or refused. */
  | {
      readonly type: "lock";
      readonly request: HoldRequest;
      readonly wait: boolean;
    }
  | { readonly type: "unlock"; readonly hold: HoldId; readonly because: HoldEnd }
  /** Its owner gives no sign of life: without effect on a hold that is granted by now. */
  | { readonly type: "giveUpWaiting"; readonly hold: HoldId }
  | {
      readonly type: "foreignClaim";
      readonly hold: HoldId;
      readonly claims: ClaimSet;
      readonly owner: HoldOwner | null;
      readonly note: string;
    }
  | { readonly type: "breakLocks"; readonly holders: readonly HolderId[] }
  | { readonly type: "followed"; readonly result: FollowResult }
  | {
      readonly type: "pushed";
      readonly place: PushPlace;
      readonly to: Oid;
      /** As the effect said. */
      readonly commits: number;
    }
  | { readonly type: "pushFailed"; readonly place: PushPlace; readonly problem: PushProblem };

export type Submission = { readonly spec: TaskSpec; readonly digest: string };

/** Names the landing a step belongs to: the attempt's fence. */
export type LandingKey = { readonly task: TaskId; readonly fence: number };

export type MergeResult =
  | {
      readonly kind: "candidate";
      readonly candidate: Oid;
      readonly tree: Oid;
      readonly onto: Oid;
      readonly ontoTree: Oid;
      /** What it changes in how files merge after it; absent: nothing. */
      readonly mergeRules?: MergeRuleChanges;
    }
  | { readonly kind: "no_change" }
  /** Generated files were changed on both sides: they have to be made on `commit` first. */
  | {
      readonly kind: "generate";
      readonly commit: Oid;
      readonly tree: Oid;
      /** Those of the configured globs that one of the files matches. */
      readonly globs: readonly string[];
      readonly paths: readonly string[];
    }
  | {
      readonly kind: "conflict";
      readonly paths: readonly string[];
      /** How many files; absent: as many as are named. */
      readonly paths_total?: number;
      readonly ref: string;
      readonly ours: Oid;
    }
  /** With those in front of it in the chain, which have not landed: nothing is kept of it. */
  | { readonly kind: "conflict_ahead" };

export type MoveResult =
  { readonly kind: "moved"; readonly commit: Oid } | { readonly kind: "outdated" };

export type FollowResult =
  | { readonly kind: "followed"; readonly to: Oid }
  | { readonly kind: "waiting"; readonly reason: string; readonly paths: readonly string[] };

/** What the asker is told once the events are durable. */
export type Answer =
  | { readonly of: "submit"; readonly ids: readonly TaskId[]; readonly existing: readonly TaskId[] }
  | { readonly of: "change"; readonly changed: readonly TaskId[] }
  /** `fence: null`: it waits. */
  | { readonly of: "hold"; readonly hold: HoldId; readonly fence: number | null }
  | { readonly of: "broken"; readonly holders: readonly HolderId[] }
  /** Whether it waits, or holds, on. */
  | { readonly of: "givenUp"; readonly goesOn: boolean }
  | { readonly of: "fact" };

export type Decision =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly failure: Failure };
