/**
 * The catalogue of failures a person or a program can meet. A failure is a value; only bugs throw.
 * The exit codes are part of the command line's contract (docs/reference/errors.md); those from 70 on
 * are the ones of sysexits.h, and tell a service manager whether it is worth starting again.
 */
export const exitCodes = {
  done: 0,
  taskFailed: 1,
  usage: 2,
  noSupervisor: 3,
  notFound: 4,
  refused: 5,
  bug: 70,
  diskFailed: 74,
  diskFull: 75,
} as const;

const catalogue = {
  invalid_task: { exit: 2, hint: "`orchd schema task` prints what a task file may hold." },
  invalid_config: { exit: 2, hint: "`orchd schema config` prints what orchd.yaml may hold." },
  invalid_request: { exit: 2, hint: null },
  usage: { exit: 2, hint: null },
  not_a_repository: { exit: 2, hint: "Go to a git repository, or name one with --repo DIR." },
  not_initialised: { exit: 2, hint: "Run `orchd init` first." },
  unsuitable_repository: { exit: 5, hint: null },
  no_supervisor: { exit: 3, hint: "Start one with `orchd start`." },
  connection_lost: { exit: 3, hint: "`orchd status` tells whether the supervisor is back." },
  not_found: { exit: 4, hint: "`orchd status` lists the tasks." },
  already_running: { exit: 5, hint: "Use the running one, or end it with `orchd stop`." },
  id_taken: { exit: 5, hint: "Choose another id, or leave it out to get a new one." },
  wrong_status: { exit: 5, hint: null },
  refused: { exit: 5, hint: null },
  version_mismatch: { exit: 5, hint: "Run `orchd restart` after an upgrade." },
  journal_damaged: {
    exit: 5,
    hint: "The damaged journal is kept; docs/operating/journal.md tells what to do.",
  },
  limit: { exit: 5, hint: null },
  disk_failed: { exit: 74, hint: "The kernel's log (`dmesg`) tells more about the disk." },
  disk_full: { exit: 75, hint: "Make room on that disk and try again." },
  withdrawn: { exit: 5, hint: "Ask again; the place in the line is lost." },
  busy: { exit: 5, hint: "Try again in a moment." },
  stopping: { exit: 5, hint: "Start it again with `orchd start`." },
  internal: { exit: 70, hint: "This is a bug. Please report it with the log in .aibrain/logs." },
} as const satisfies Record<string, { exit: number; hint: string | null }>;

export type ErrorCode = keyof typeof catalogue;
export const errorCodes: readonly ErrorCode[] = Object.keys(catalogue).filter(isErrorCode);

/** One thing that is wrong, placed as well as it is known. Lines and columns start at 1. */
export type Problem = {
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  /** As written in the file: `tasks[3].claims.writes[0]`; empty for the whole. */
  readonly field: string;
  readonly message: string;
};

/** What crosses the socket when a call fails, and what the command line prints. */
export type Failure = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  readonly problems: readonly Problem[];
};

export function failure(
  code: ErrorCode,
  message: string,
  more: { hint?: string; problems?: readonly Problem[] } = {},
): Failure {
  return {
    code,
    message,
    hint: more.hint ?? catalogue[code].hint,
    problems: more.problems ?? [],
  };
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === "string" && Object.hasOwn(catalogue, text);
}

export function exitCodeOf(code: ErrorCode): number {
  return catalogue[code].exit;
}

/** Carries a failure through code that has to throw (a promise, a stream); never thrown for a bug. */
export class FailureError extends Error {
  readonly failure: Failure;

  constructor(reason: Failure) {
    super(reason.message);
    this.name = "FailureError";
    this.failure = reason;
  }
}

/** A result with its failure: `{ ok: true, value }` or `{ ok: false, failure }`. */
export type Result<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly failure: Failure };

export function ok<Value>(value: Value): Result<Value> {
  return { ok: true, value };
}

export function fail(reason: Failure): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure: reason };
}

/** Ends a switch that covers every variant; reached only by a bug. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
