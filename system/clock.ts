import { performance } from "node:perf_hooks";

/**
 * Time, as a port: everything that waits or measures takes a `Clock`, so that a test can move it.
 * Wall time is for people and for dates in the journal, and may jump; durations and time limits use
 * the monotonic time, which never goes back and stands still while the machine is suspended.
 */
export type Clock = {
  /** Milliseconds since 1970, whole. */
  readonly wallMs: () => number;
  /** Milliseconds since some moment before the process began to ask, with fractions. */
  readonly monotonicMs: () => number;
  /** Calls `run` once, `ms` from now (not before, however long that is); at once-ish for 0 or less. */
  readonly setTimer: (ms: number, run: () => void) => Timer;
};

export type Timer = {
  /** After this, `run` is not called any more. Harmless when it was called already. */
  readonly cancel: () => void;
};

/** What `setTimeout` can hold: with more it would fire at once (a `not_before` in 30 days is more). */
const hostTimerMsMax = 2 ** 31 - 1;

export const realClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (ms, run) => {
    let pending: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, hostTimerMsMax);
      pending = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : run()), stepMs);
    };
    wait(Math.max(0, ms));
    return { cancel: () => clearTimeout(pending) };
  },
};

/** Resolves `ms` from now by that clock. */
export async function elapse(clock: Clock, ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    clock.setTimer(ms, resolve);
  });
}
