import type { HolderId, WorkerId } from "./ids.ts";
import type { HoldKind } from "./hold.ts";

/** Claims that are held: by an attempt, by `orchd lock`, or because a file says so. */
export type LockView = {
  holder: HolderId;
  kind: "task" | HoldKind;
  /** Of a task. */
  attempt: number | null;
  /** What stale reports are told by: the sequence of the event that granted it; `null` while it waits. */
  fence: number | null;
  worker: WorkerId | null;
  /** The owner's process, if it is known. */
  pid: number | null;
  /** What it is held for, as its owner says. */
  note: string | null;
  writes: string[];
  reads: string[];
  resources: Record<string, number>;
  optimistic: boolean;
  /** `null` while it waits. */
  granted_at: number | null;
  requested_at: number;
  /** Since the last sign of life; `null`: none is expected. */
  heartbeat_age_ms: number | null;
  /** Who waits for it. */
  waiters: HolderId[];
  file: string | null;
};

export type CheckView = {
  /** A task or lock of priority 0 with these claims would not have to wait for others' claims now. */
  free: boolean;
  /** Who is in the way, holders first; at most `conflictsListedMax`, one for each holder. */
  conflicts: ClaimConflictView[];
  /** There are more. */
  more: boolean;
};

export type ClaimConflictView = {
  holder: HolderId;
  kind: "task" | HoldKind;
  /** `waits`: it waits for its claims itself. Only one that waits longer than may be has to be waited for. */
  standing: "holds" | "waits";
  on:
    /** A claim that was asked about and one of the holder's, and a path that both match. */
    | { kind: "claims"; claim: string; their_claim: string; example: string | null }
    | { kind: "resource"; resource: string; capacity: number };
};
export const conflictsListedMax = 100;
