import { statfs } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

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

/** Rejects with what `step` rejected with. */
export async function onceThereIsSpace<Value>(
  step: () => Value | Promise<Value>,
  { folders, signal, onWaiting }: Waiting,
): Promise<Value> {
  for (let first = true; ; first = false) {
    try {
      return await step();
    } catch (error) {
      if (signal.aborted || !(await isOutOfSpace(error, folders))) throw error;
      onWaiting(error instanceof Error ? error.message : String(error), first);
      await pause(retryMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** Did this fail because a disk is full, or a quota used up? */
export async function isOutOfSpace(error: unknown, folders: readonly string[]): Promise<boolean> {
  if (!(error instanceof Error)) return false;
  if ("code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT")) return true;
  if (saidByGit.test(error.message)) return true;
  for (const folder of folders) if ((await bytesLeft(folder)) < spaceBytesMin) return true;
  return false;
}

async function bytesLeft(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    // A folder that is not there is another problem.
    return Number.POSITIVE_INFINITY;
  }
}
