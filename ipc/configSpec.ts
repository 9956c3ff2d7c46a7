import type { Argv } from "./taskSpec.ts";
import type { Trailers } from "./trailers.ts";

/**
 * `orchd.yaml` after validation: every default filled in, durations in milliseconds.
 * `ipc/config.ts` makes it from the file, the environment and flags.
 */
export type Config = {
  /** Workers, and so attempts at the same time. 1 to 64. */
  readonly max_parallel: number;
  /** The person's branch; `null`: the branch checked out when the supervisor starts. */
  readonly target: string | null;
  readonly follow: "auto" | "manual" | "off";
  /** Run on the combined tree before anything lands, on top of a task's own. */
  readonly verify: readonly Argv[];
  /** `chain`: tasks that land together are tested together; `each`: every commit is tested. */
  readonly gate: "chain" | "each";
  readonly outside_claims: "extend" | "fail" | "allow";
  /** Files that a command makes: made anew where two changes of them meet, not merged as text. */
  readonly generated: readonly GeneratedConfig[];
  readonly workspace: WorkspaceConfig;
  readonly commit: CommitConfig;
  readonly save: SavePolicy;
  /** Capacity of named resources; one that is not named has capacity 1. */
  readonly resources: Readonly<Record<string, number>>;
  /** Search path of tasks; `null`: that of whoever started the supervisor. */
  readonly path: string | null;
  readonly limits: Limits;
  readonly retention: Retention;
  readonly push: PushConfig;
  /** `off`: nothing is packed, and what is kept in git goes at `orchd gc` alone. */
  readonly maintenance: "auto" | "off";
};

/** Pushing of what landed. */
export type PushConfig = {
  /** The name of a remote; `null`: nothing is pushed. */
  readonly remote: string | null;
  /** Short; `null`: that of the target. */
  readonly branch: string | null;
  /** From the first thing to push until it is pushed, together with what came meanwhile. */
  readonly quiet_ms: number;
  /** When so many have landed, at once. */
  readonly every: number;
  /** Of one call of git that talks to the remote. */
  readonly timeout_ms: number;
  /** The person's `pre-push` hook runs. */
  readonly hook: boolean;
};

export type GeneratedConfig = {
  readonly paths: readonly string[];
  readonly run: Argv;
  /** `null`: `limits.verify_timeout`. */
  readonly timeout_ms: number | null;
};

export type WorkspaceConfig = {
  /** Parent folder of the workspaces, absolute; `null`: `$XDG_STATE_HOME/orchd/<repository id>`. */
  readonly root: string | null;
  /** Run in a fresh workspace, and again when the hash of `setup_inputs` changes. */
  readonly setup: readonly Argv[];
  readonly setup_inputs: readonly string[];
  /** Globs of files that git ignores, copied from the repository's working tree before each attempt. */
  readonly copy: readonly string[];
  /** What is removed between attempts: `untracked` keeps ignored files (installed packages), `all` removes them too. */
  readonly clean: "untracked" | "all";
};

/** What tasks land as that say nothing of their own in `commit`. */
export type CommitConfig = {
  /** `agent`: what the attempt's own commits say comes before the template. */
  readonly message: "task" | "agent";
  /** See `ipc/commitText.ts`. */
  readonly template: string;
  /** `Name <mail>`; `null`: git's identity of the repository. */
  readonly author: string | null;
  /** On top of those of the task. */
  readonly trailers: Trailers;
  /** `auto`: if the person's `commit.gpgSign` says so. */
  readonly sign: "auto" | "off" | "required";
  /** Whether the person's `pre-commit` and `commit-msg` run on the work of an attempt. */
  readonly hooks: "run" | "off";
};

/** What of an attempt's new files may become part of a commit. */
export type SavePolicy = {
  /** A new file with more bytes fails the attempt. */
  readonly max_file_bytes: number;
  /** New files whose name or first bytes look like a key or a token. */
  readonly secrets: "refuse" | "allow";
  /** Globs of paths to which neither applies. */
  readonly allow: readonly string[];
};

/** How long the folders of attempts (their logs and records) are kept, each worker its own, and what they did. */
export type Retention = {
  /** The newest so many. */
  readonly attempts: number;
  /** Of those, the ones that ended within this time. */
  readonly age_ms: number;
  /** In git: what attempts of succeeded tasks did. */
  readonly landed_ms: number;
  /** In git: what attempts of failed and cancelled tasks did, and branches from before a rewind. */
  readonly unlanded_ms: number;
  /** In git: attempts of succeeded tasks, the newest so many. */
  readonly saved: number;
  /** What could not become part of git: files kept back, workspaces that could not be saved, damaged journals. */
  readonly unsaved_ms: number;
};

export type Limits = {
  /** For tasks that name none. */
  readonly timeout_ms: number;
  /** Between the polite and the hard end of a process tree. */
  readonly grace_ms: number;
  readonly setup_timeout_ms: number;
  /** Of one commit. */
  readonly signing_timeout_ms: number;
  /** Of each of the person's hooks. */
  readonly hook_timeout_ms: number;
  readonly verify_timeout_ms: number;
  readonly heartbeat_ms: number;
  readonly stale_after_ms: number;
  readonly adoption_grace_ms: number;
  /** Between two looks at what a running task has changed; 0: none. */
  readonly prediction_ms: number;
  /** Per attempt, standard output and standard error together. */
  readonly output_bytes: number;
  /** No attempt starts while a disk that it writes to has less; 0: whatever there is. */
  readonly min_free_disk_bytes: number;
  /** Of a workspace with its temporary files, on disk. */
  readonly workspace_size_bytes: number;
  readonly fairness_window_ms: number;
  /** Accepted and not yet final; a submit beyond it is refused. */
  readonly tasks_open: number;
  /** Tasks that land together. */
  readonly chain: number;
};
