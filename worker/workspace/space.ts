import { setTimeout as pause } from "node:timers/promises";
import { shortageWords } from "../../ipc/shortage.ts";
import type { Shortage } from "../../ipc/shortage.ts";
import { findShortage } from "../../system/freeSpace.ts";

/**
 * A full disk is no fault of the task that meets it, and the work of an agent is worth waiting for:
 * what fails for lack of space is tried again until there is some.
 *
 *     step ──fails for lack of space──► waits 2 s ──► step …
 *       ├── done ──► its value              └── the attempt shall end ──► the failure
 *       └── fails otherwise ──► the failure
 */
export type Waiting = {
  /** Folders on the disks that the step writes to. */
  readonly folders: readonly string[];
  /** Aborted when nobody wants to wait any more. */
  readonly signal: AbortSignal;
  /** Before each wait; `first`: there was none yet. */
  readonly onWaiting: (problem: string, first: boolean) => void;
};

const retryMs = 2_000;
/** git does not always say why it could not write; on a disk with less than this, that is the reason. */
const spaceBytesMin = 64 * 1024;
const saidByGit = /no space left on device|out of disk ?space|disk quota exceeded/i;

/** There is space, but less than an attempt may begin with. */
export class TooLittleSpace extends Error {
  constructor(shortage: Shortage) {
    super(shortageWords(shortage));
    this.name = "TooLittleSpace";
  }
}

/** To be asked before an attempt changes anything. Throws `TooLittleSpace`. */
export function mustHaveSpace(folders: readonly string[], neededBytes: number): void {
  const shortage = findShortage(folders, neededBytes);
  if (shortage !== null) throw new TooLittleSpace(shortage);
}

/** Rejects with what `step` rejected with. */
export async function onceThereIsSpace<Value>(
  step: () => Value | Promise<Value>,
  { folders, signal, onWaiting }: Waiting,
): Promise<Value> {
  for (let first = true; ; first = false) {
    try {
      return await step();
    } catch (error) {
      if (signal.aborted || !isOutOfSpace(error, folders)) throw error;
      onWaiting(error instanceof Error ? error.message : String(error), first);
      await pause(retryMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** Did this fail because a disk is full, or a quota used up? */
export function isOutOfSpace(error: unknown, folders: readonly string[]): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof TooLittleSpace) return true;
  if ("code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT")) return true;
  if (saidByGit.test(error.message)) return true;
  return findShortage(folders, spaceBytesMin) !== null;
}
