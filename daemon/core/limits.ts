/** Instant attempts that one worker holds at a time (`ipc/workerMessages.ts` promises the same). */
export const instantsHeldMax = 64;
/** Tasks in one submit. */
export const tasksPerSubmitMax = 10_000;
/** Longest wait between two tries of a task that failed. */
export const backoffMsMax = 60 * 60 * 1000;
/** Between two tries of a gate that could not be run: the first pause, twice as long each time, at most. */
export const gateRetryMs = 1_000;
export const gateRetryMsMax = 5 * 60 * 1000;
/** Before a setup that only fails with a change is tried with it once more: time for an outage to be over. */
export const setupRetryMs = 5_000;
/** Paths that the reason of a failure names. */
export const shownPathsMax = 1_000;

/** Labels paused at a time. */
export const labelsPausedMax = 256;
/** Locks held or waited for by others than tasks. */
export const holdsMax = 10_000;
