import type { TaskId } from "./ids.ts";
import type { Trailers } from "./trailers.ts";

/**
 * A task as it was asked for, after validation: every default filled in, durations in milliseconds.
 * This is what the journal stores, what the supervisor decides on and what a worker is sent.
 * `ipc/task.ts` makes it from a file; field by field it is described in `docs/reference/task.md`.
 */
export type TaskSpec = {
  readonly id: TaskId;
  readonly title: string;
  readonly objective: string | null;
  readonly decision: string | null;
  readonly labels: readonly string[];
  readonly work: Work;
  readonly cwd: string;
  readonly workspace: "clone" | "none";
  /** `null`: optimistic, nothing was declared. */
  readonly claims: ClaimSet | null;
  readonly after: readonly TaskId[];
  readonly after_any: readonly TaskId[];
  readonly priority: number;
  readonly not_before: NotBefore | null;
  readonly estimate_ms: number | null;
  readonly timeout_ms: number;
  readonly retries: { readonly max: number; readonly backoff_ms: number };
  /** What an attempt after a conflict begins with: its earlier change; absent: it simply runs again. */
  readonly on_conflict?: "continue";
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly verify: readonly Argv[];
  readonly commit: CommitSpec;
};

export type Argv = readonly [string, ...string[]];

export type Work =
  | { readonly kind: "run"; readonly argv: Argv }
  | { readonly kind: "shell"; readonly script: string }
  | { readonly kind: "tools"; readonly calls: readonly [] };

/** Normalised globs (`ipc/glob.ts`) and counted resources. */
export type ClaimSet = {
  readonly writes: readonly string[];
  readonly reads: readonly string[];
  readonly resources: Readonly<Record<string, number>>;
};

export type NotBefore = { readonly at_ms: number } | { readonly delay_ms: number };

export type CommitSpec = {
  readonly message: string | null;
  /** `Name <mail>` */
  readonly author: string | null;
  /** One value of a key or several. */
  readonly trailers: Trailers;
};
