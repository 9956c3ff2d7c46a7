import type { ClaimSet } from "./taskSpec.ts";
import type { HoldId } from "./ids.ts";

/**
 * Claims that are held by something else than a task. `lock`: a process that asked for them, waits its
 * turn and gives them back (`orchd lock`, or any program on the socket). `foreign`: a file that says
 * so; it is honoured from the moment it is noticed, whatever is held already.
 */
export type HoldKind = "lock" | "foreign";

/** The process a hold lives and dies with. The same facts as `ProcessIdentity` of system/. */
export type HoldOwner = {
  readonly pid: number;
  readonly startTime: number;
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly host: string;
};

export type HoldRequest = {
  readonly id: HoldId;
  readonly claims: ClaimSet;
  readonly owner: HoldOwner;
  /** For people: what it is held for. */
  readonly note: string;
};

/**
 * Why a hold ended. `withdrawn`: its owner stopped waiting, or the foreign file is gone; `owner_gone`:
 * its process ended; `owner_hung`: no sign of life for `stale_after`, so its process was killed, or, if
 * it only waited, lost its place; `broken`: by a person (`orchd locks break`).
 */
export type HoldEnd = "released" | "withdrawn" | "owner_gone" | "owner_hung" | "broken";

export const holdNoteMax = 200;
