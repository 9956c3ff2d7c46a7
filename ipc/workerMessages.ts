import type { Config } from "./configSpec.ts";
import type { Oid, TaskId, WorkerId } from "./ids.ts";
import type { Argv, TaskSpec } from "./taskSpec.ts";

/**
 * What the supervisor and a worker say to each other.
 *
 *     worker      dials the socket          hello { role: "worker", … }     → WorkerSettings
 *     supervisor  `worker.assign`           Assignment[]                      notification
 *     supervisor  `worker.cancel`           Cancellation                      notification
 *     supervisor  `worker.stop`             { }  end what runs, save, exit    notification
 *     worker      `worker.heartbeat`        Heartbeat                         notification
 *     worker      `worker.report`           Report[]                          notification, sent again at each
 *                                                                             connection until acknowledged
 *     supervisor  `worker.acknowledge`      ReportKey[]  the reports are durable, forget them
 *
 * Guarantee: a report is delivered at least once, and its fence makes it count at most once.
 * Instant assignments (`kind: "instant"`) come in batches of at most `instantsHeldMax`; any other
 * assignment is the only one its worker holds.
 */
export const instantsHeldMax = 64;

/** Names one attempt and the right behind it; `fence` is the journal sequence that granted it. */
export type AttemptKey = {
  readonly task: TaskId;
  readonly attempt: number;
  readonly fence: number;
};

export type WorkerHello = {
  readonly role: "worker";
  readonly protocol: number;
  readonly version: string;
  readonly worker: WorkerId;
  /** Given by the supervisor that forked it, in the environment (`ORCHD_WORKER_TOKEN`). */
  readonly token: string;
  readonly pid: number;
  /** Attempts it runs, or has finished and not yet had acknowledged. Empty for a fresh worker. */
  readonly holding: readonly AttemptKey[];
};

/** The answer to a worker's hello: what stays the same while it is connected. */
export type WorkerSettings = {
  readonly epoch: number;
  /** The repository's common directory, absolute. */
  readonly git_dir: string;
  /** The repository's main working tree, absolute. */
  readonly work_tree: string;
  /** `refs/heads/orchd/<target>`; workspaces start from its tip. */
  readonly landing_ref: string;
  readonly path: string;
  readonly config: Config;
};

export type Assignment =
  | ({ readonly kind: "instant" } & AttemptKey)
  | ({
      readonly kind: "task";
      readonly spec: TaskSpec;
      /** Values of `spec.secrets`; never written anywhere. */
      readonly secrets: Readonly<Record<string, string>>;
      /** Absent: no attempt before it left anything. */
      readonly earlier?: Earlier;
    } & AttemptKey)
  | ({
      readonly kind: "gate";
      readonly candidate: Oid;
      readonly commands: readonly Argv[];
      readonly timeout_ms: number;
    } & AttemptKey)
  /** Makes the files of these rules anew on the commit, whose tree has them from one side of a merge. */
  | ({
      readonly kind: "generate";
      readonly commit: Oid;
      readonly rules: readonly GenerationRule[];
    } & AttemptKey);

/** What earlier attempts of a task left for the next one. */
export type Earlier = {
  /** The newest work that was saved. */
  readonly work: { readonly commit: Oid; readonly ref: string } | null;
  /** The checks that sent the task back, with the end of what they printed (at most `gateOutputMax` characters). */
  readonly red: { readonly command: Argv; readonly output: string } | null;
  /** The change from `base` to `commit` is laid onto the new base; absent: the attempt begins with the base alone. */
  readonly continues?: Continued;
};

/** Work of an attempt (its number) that did not merge. */
export type Continued = { readonly base: Oid; readonly commit: Oid; readonly attempt: number };

export type GenerationRule = {
  readonly paths: readonly string[];
  readonly run: Argv;
  readonly timeout_ms: number;
};

export type Cancellation = AttemptKey & { readonly reason: "cancelled" | "stopping" };

export type Stage = "workspace" | "setup" | "running" | "ending" | "saving" | "hooks";

export type Heartbeat = {
  /** `null`: idle. */
  readonly attempt: AttemptKey | null;
  readonly stage: Stage | null;
  readonly output_bytes: number;
  /** The last whole line of output, without control characters, at most 200 characters. */
  readonly last_line: string | null;
  /** What the attempt has changed so far, as a commit on its base; absent: not looked at (yet). */
  readonly live?: Oid;
};

/** What an attempt left behind in git. `ref` is pinned in the repository before the report is sent. */
export type Saved = {
  readonly commit: Oid;
  readonly base: Oid;
  readonly ref: string;
  /**
   * Repository-relative paths that differ from the base, in byte order; cut off at `touchedPathsMax`
   * names or `touchedBytesMax` bytes. Where `touched_total` is larger, nobody knows the rest.
   */
  readonly touched: readonly string[];
  readonly touched_total: number;
  /** False: the agent's history does not contain the base, so the work is parked, not landed. */
  readonly descends: boolean;
  /**
   * What it shall land with (`ipc/commitText.ts`); absent: what the task and orchd.yaml say. At most
   * `savedMessageMax` characters.
   */
  readonly message?: string;
  /**
   * Files that conflicted when the attempt began and still do, so that it does not land: the first ones, at
   * most `unresolvedPathsMax` names or `unresolvedBytesMax` bytes. Absent: none.
   */
  readonly unresolved?: readonly string[];
  /** How many; absent: as many as are listed. */
  readonly unresolved_total?: number;
};
export const unresolvedPathsMax = 1_000;
export const unresolvedBytesMax = 256 * 1024;
/** A text of `messageLengthMax` and its trailers. */
export const savedMessageMax = 64_000;
export const touchedPathsMax = 10_000;
export const touchedBytesMax = 2 * 1024 * 1024;

export type AttemptFailure =
  | { readonly kind: "exit"; readonly exit_code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "timeout"; readonly timeout_ms: number }
  | { readonly kind: "not_started"; readonly message: string }
  | { readonly kind: "setup"; readonly message: string }
  | { readonly kind: "workspace"; readonly message: string }
  | { readonly kind: "output_limit"; readonly limit_bytes: number }
  /** `bytes`: what was measured. */
  | { readonly kind: "workspace_size"; readonly limit_bytes: number; readonly bytes: number }
  | { readonly kind: "save"; readonly message: string }
  /** Of the person's, on the work of an attempt that went well; `message`: how it ended, and the end of what it said. */
  | { readonly kind: "hook"; readonly hook: "pre-commit" | "commit-msg"; readonly message: string }
  /** Saved, but landing it would break the person's checkout (submodules, Git LFS). */
  | { readonly kind: "unlandable"; readonly message: string }
  /** Everything else is saved; these files are not, by the configuration's `save`. */
  | ({ readonly kind: "kept_back" } & KeptBack);

/** New files that look as if they should not be in git, and the folder that they were moved to. */
export type KeptBack = {
  readonly folder: string;
  /** The first `keptBackShownMax` of `total`, in order. */
  readonly files: readonly KeptBackFile[];
  readonly total: number;
};
export type KeptBackFile = {
  readonly path: string;
  readonly why: "large" | "secret";
  readonly bytes: number;
  /** It is in the attempt's own commits and in no file any more; these commits were kept back whole. */
  readonly committed?: true;
};
export const keptBackShownMax = 20;

export type Outcome =
  | { readonly result: "done"; readonly saved: Saved | null }
  | { readonly result: "failed"; readonly failure: AttemptFailure; readonly saved: Saved | null }
  /** Ended on request (`worker.cancel`, `worker.stop`). */
  | { readonly result: "ended"; readonly saved: Saved | null }
  /** Found unfinished by a fresh worker after the one that ran it had died; its work is saved now. */
  | { readonly result: "lost"; readonly saved: Saved | null }
  /** Of a gate: the first command that failed, with the end of its output (at most `gateOutputMax` characters). */
  | { readonly result: "gate_green" }
  | {
      readonly result: "gate_red";
      readonly command: Argv;
      readonly failure: AttemptFailure;
      readonly output: string;
    }
  /**
   * Of generated files that all commands made; one that fails is `gate_red`. `tree`: the commit's with
   * exactly those files, pinned in the repository. `others`: the first of the paths besides that the
   * commands changed (at most `othersMax`).
   */
  | { readonly result: "generated"; readonly tree: Oid; readonly others: readonly string[] };
export const othersMax = 20;
export const gateOutputMax = 4000;

export type Report = AttemptKey & {
  readonly outcome: Outcome;
  /** By the worker's monotonic clock. */
  readonly elapsed_ms: number;
};

export type ReportKey = AttemptKey;
