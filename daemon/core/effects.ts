import type { Argv, TaskSpec } from "../../ipc/taskSpec.ts";
import type { Candidate, Regenerated } from "./landingState.ts";
import type { Hold } from "./state.ts";
import type { Holding } from "./holding.ts";
import type { LandingKey } from "./commands.ts";
import type { GeneratedRule, PushPlace } from "./coreSettings.ts";
import type { HolderId, Oid, TaskId, WorkerId } from "../../ipc/ids.ts";
import type { Earlier, Saved } from "../../ipc/workerMessages.ts";

/**
 * What the shell must now do. Effects leave only when the events behind them are durable. Each is
 * idempotent by (task, fence, kind): `pending` derives the same effect again after a crash, and
 * whoever carries it out finds out what was done already.
 */
export type Effect =
  | {
      readonly kind: "dispatch";
      readonly worker: WorkerId;
      readonly task: TaskId;
      readonly attempt: number;
      readonly fence: number;
      readonly spec: TaskSpec;
      readonly earlier?: Earlier;
    }
  | {
      readonly kind: "cancelAttempt";
      readonly worker: WorkerId;
      readonly task: TaskId;
      readonly attempt: number;
      readonly fence: number;
    }
  | {
      readonly kind: "placeLock";
      readonly task: TaskId;
      readonly attempt: number;
      readonly fence: number;
      readonly worker: WorkerId;
      readonly holding: Holding;
      readonly grantedAt: number;
    }
  | { readonly kind: "removeLock"; readonly holder: HolderId }
  | {
      readonly kind: "placeHold";
      readonly hold: Hold & { readonly granted: NonNullable<Hold["granted"]> };
    }
  /** Its process is to be ended, and then it is free. */
  | { readonly kind: "endHold"; readonly hold: Hold }
  | ({
      readonly kind: "merge";
      readonly attempt: number;
      readonly spec: TaskSpec;
      readonly saved: Saved;
      /** Milliseconds since the epoch, of the candidate's commit: the same when it is made again. */
      readonly at: number;
      /** Files that are not merged as text; absent: the task touched none. */
      readonly generated?: {
        readonly globs: readonly string[];
        readonly regenerated?: Regenerated;
      };
      /** Merge onto this candidate; absent: onto the branch's tip. */
      readonly onto?: Pick<Candidate, "commit" | "tree">;
    } & LandingKey)
  | {
      readonly kind: "gate";
      readonly task: TaskId;
      readonly attempt: number;
      readonly fence: number;
      readonly commit: Oid;
      readonly commands: readonly Argv[];
      readonly timeoutMs: number;
    }
  /** Make generated files anew on this commit, by these commands. */
  | {
      readonly kind: "generate";
      readonly task: TaskId;
      readonly attempt: number;
      readonly fence: number;
      readonly commit: Oid;
      readonly rules: readonly GeneratedRule[];
    }
  /** Also of a run that makes generated files. */
  | {
      readonly kind: "cancelGate";
      readonly task: TaskId;
      readonly attempt: number;
      readonly fence: number;
    }
  /** Of the last that lands; `onto` and `ontoTree` are those of the first. */
  | ({ readonly kind: "move"; readonly candidate: Candidate } & LandingKey)
  | { readonly kind: "follow"; readonly from: Oid | null }
  /** The branch is red by itself at `tip`: has the person something new that may mend it? */
  | {
      readonly kind: "look";
      readonly tip: Oid | null;
      /** Besides, the person had reset their branch: have they taken that back? */
      readonly rewound: boolean;
    }
  | PushEffect;

/** The remote's branch is to be at `to`; `accepted` is what it had last, as far as that is known. */
export type PushEffect = {
  readonly kind: "push";
  readonly place: PushPlace;
  readonly to: Oid;
  readonly accepted: Oid | null;
  /** Of tasks, among what is new. */
  readonly commits: number;
};
