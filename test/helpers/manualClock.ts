import type { Clock } from "../../system/clock.ts";

/**
 * The twin of `realClock` for tests: time passes only by `advance`, which runs the timers that come
 * due in their order, each at its own moment, including those that are set by a timer on the way.
 */
export type ManualClock = Clock & {
  readonly advance: (ms: number) => void;
  /** Time passes while nothing runs, as while this process is stopped: timers fire late, at the next `advance`. */
  readonly standStill: (ms: number) => void;
  /** Moves the wall time alone, as a corrected machine clock does; negative: back. */
  readonly jumpWall: (ms: number) => void;
  /** How many timers wait. */
  readonly pending: () => number;
};

type Waiting = { readonly dueMs: number; readonly order: number; readonly run: () => void };

export function manualClock(startWallMs = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsedMs = 0;
  let wallOffsetMs = startWallMs;
  let order = 0;
  const waiting = new Set<Waiting>();

  const next = (): Waiting | undefined =>
    [...waiting].toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];

  return {
    wallMs: () => Math.floor(wallOffsetMs + elapsedMs),
    monotonicMs: () => elapsedMs,
    setTimer: (ms, run) => {
      const timer = { dueMs: elapsedMs + Math.max(0, ms), order: order++, run };
      waiting.add(timer);
      return { cancel: () => waiting.delete(timer) };
    },
    advance: (ms) => {
      const endMs = elapsedMs + ms;
      for (let due = next(); due !== undefined && due.dueMs <= endMs; due = next()) {
        waiting.delete(due);
        elapsedMs = Math.max(elapsedMs, due.dueMs);
        due.run();
      }
      elapsedMs = endMs;
    },
    standStill: (ms) => {
      elapsedMs += ms;
    },
    jumpWall: (ms) => {
      wallOffsetMs += ms;
    },
    pending: () => waiting.size,
  };
}
