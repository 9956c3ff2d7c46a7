import { heapPop, heapPush, makeHeap } from "../../daemon/core/heap.ts";
import type { Clock, Timer } from "../../system/clock.ts";

/**
 * Virtual time. Whatever happens is an entry here, and the run takes them one after the other: by
 * time, and those of one moment in the order they were put in. The wall clock is the same time plus
 * an offset that faults move.
 */
type Scheduled = { cancelled: boolean; readonly run: () => void };

const startWallMs = Date.UTC(2026, 0, 1);

export class Timeline {
  nowMs = 0;
  wallOffsetMs = startWallMs;
  readonly #heap = makeHeap<Scheduled>();
  #order = 0;

  readonly clock: Clock = {
    wallMs: () => Math.floor(this.wallOffsetMs + this.nowMs),
    monotonicMs: () => this.nowMs,
    setTimer: (ms, run) => this.after(ms, run),
  };

  after(ms: number, run: () => void): Timer {
    const scheduled: Scheduled = { cancelled: false, run };
    this.#order += 1;
    const rank = this.nowMs + Math.max(0, ms);
    heapPush(this.#heap, { rank, order: this.#order, key: scheduled });
    return {
      cancel: () => {
        scheduled.cancelled = true;
      },
    };
  }

  /** What the time really is, for those who look at their own watch. */
  get trueWallMs(): number {
    return Math.floor(startWallMs + this.nowMs);
  }

  setClockRight(): void {
    this.wallOffsetMs = startWallMs;
  }

  /** Runs what comes next; false: there is nothing. */
  step(): boolean {
    for (let entry = heapPop(this.#heap); entry !== undefined; entry = heapPop(this.#heap)) {
      if (entry.key.cancelled) continue;
      this.nowMs = entry.rank;
      entry.key.run();
      return true;
    }
    return false;
  }

  /** Resolves `ms` from now. */
  elapse(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }
}

/** Every promise that can go on has gone on: nothing under simulation waits for anything but the timeline. */
export function drained(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** What never answers: a call into something that has died. */
export function never<Value>(): Promise<Value> {
  return new Promise(() => {});
}
