/**
 * What goes into the journal and what comes out of it. These shapes are also what a simulated twin
 * of the journal has to speak: nothing here names SQLite, a thread or a file.
 *
 * Words: an *event row* is one fact, numbered by `seq` (1, 2, 3 … without a gap, given out by the
 * caller). A *snapshot* is the state after one `seq`; it saves replaying everything before it. Events
 * older than the snapshot stay: they are the history.
 */
export type JournalRow = {
  readonly seq: number;
  /** Milliseconds since 1970, a whole number. */
  readonly at: number;
  /** One line of text, for example `task:submitted`. */
  readonly type: string;
  readonly version: number;
  /** The task it belongs to, if it belongs to one. */
  readonly task: string | null;
  /** JSON text, encoded by the caller. */
  readonly body: string;
};

/** A row as it was read back: with the epoch of the supervisor that wrote it. */
export type StoredRow = JournalRow & { readonly epoch: number };

/** A finished task as it stays in memory for ever; the rest of it is in the journal only. */
export type FinalTask = {
  readonly id: string;
  readonly status: string;
  readonly digest: string;
  readonly commit: string | null;
};

export type SnapshotTask = FinalTask & {
  /** It will not change any more, and is loaded without its body at the next start. */
  readonly final: boolean;
  readonly body: string;
};

export type Snapshot = {
  readonly seq: number;
  /** JSON text: everything of the state that does not belong to one task. */
  readonly state: string;
  /**
   * Only the tasks that changed since the snapshot before, in slices. Each slice is asked for when
   * the one before is written, in a later turn of the event loop.
   */
  readonly tasks: Iterable<readonly SnapshotTask[]>;
};

export type Recovered = {
  readonly snapshot: { readonly seq: number; readonly state: string } | null;
  readonly live: readonly SnapshotTask[];
  readonly final: readonly FinalTask[];
  /** Everything after the snapshot, in order. */
  readonly events: readonly StoredRow[];
};

export type TaskRecord = {
  /** As the last snapshot knew it; `null` when no snapshot has seen it. */
  readonly body: string | null;
  readonly events: readonly StoredRow[];
};

export type DamageReport = {
  /** Which part contradicts itself. */
  readonly where: "file" | "wal" | "schema" | "meta" | "events" | "tasks" | "mark";
  readonly message: string;
  /** The last event that is proven good; `null` when not even that is known. */
  readonly goodUntil: number | null;
  /** The last event that was acknowledged, as far as the mark tells. */
  readonly acknowledgedUntil: number | null;
  /** The folder that holds a copy; `null` when there is none (`setAsideProblem` says why). */
  readonly setAside: string | null;
  readonly setAsideProblem: string | null;
};

/**
 * Why a call failed.
 * - `full`: no space. Nothing of the batch was kept; the same batch may be sent again.
 * - `io`: the disk (or the thread) failed. What is on disk is unknown: end the process, recover.
 * - `fenced`: a supervisor of another epoch wrote here (`epoch` is the one found).
 * - `damaged`: the journal contradicts itself; it was not changed.
 * - `format`: a newer orchd wrote it; it was not changed.
 */
export type JournalProblem =
  | { readonly kind: "full"; readonly message: string }
  | { readonly kind: "io"; readonly message: string }
  | { readonly kind: "fenced"; readonly epoch: number }
  | { readonly kind: "damaged"; readonly report: DamageReport }
  | { readonly kind: "format"; readonly found: number; readonly known: number };

export type JournalResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: JournalProblem };

/** How many event rows one `readEvents` may return. */
export const eventsPerReadMax = 1_000;
