import { freeBytes } from "../../system/freeSpace.ts";
import { realClock } from "../../system/clock.ts";
import type { Clock } from "../../system/clock.ts";
import type { Place } from "../workspace/place.ts";
import { workspaceBytes } from "../workspace/size.ts";

/**
 * Notices that a workspace grows beyond `limits.workspace_size` while a program works in it. Adding up
 * all files is too much work to be done each second, and asking how much the disk has left is none:
 *
 *     each second   the disk's free space; has it lost as much as would bring the workspace over? then add up
 *     besides       after 5 s, then as long after that as the program has run, each minute at most
 *     at most       a twentieth of the time is spent on adding up
 *
 * So one that fills the disk is seen within two seconds or so, and one that grows slowly, or while others
 * make room, within a minute.
 */
export type SizePorts = {
  /** Of the disk; `null`: not known. */
  readonly free: () => number | null;
  readonly measure: (signal: AbortSignal) => Promise<number | null>;
  readonly clock: Clock;
};

const tickMs = 1_000;
const firstLookMs = 5_000;
const lookMsMax = 60_000;
const restPerLook = 20;

export function portsOf(place: Place): SizePorts {
  return {
    free: () => freeBytes(place.folder),
    measure: (signal) => workspaceBytes(place, signal),
    clock: realClock,
  };
}

/** The size, as soon as it is more than `bytesMax`; `null`: `signal` was aborted before. */
export async function outgrown(
  bytesMax: number,
  { free, measure, clock }: SizePorts,
  signal: AbortSignal,
): Promise<number | null> {
  const tick = ticking(clock, signal);
  const began = clock.monotonicMs();
  let known = { bytes: 0, free: free() };
  let due = began + firstLookMs;
  let restUntil = began;
  for (await tick(); !signal.aborted; await tick()) {
    const left = free();
    const lost = known.free === null || left === null ? 0 : known.free - left;
    const now = clock.monotonicMs();
    if (now < restUntil || (now < due && known.bytes + lost <= bytesMax)) continue;
    const bytes = await measure(signal);
    if (bytes !== null && bytes > bytesMax) return signal.aborted ? null : bytes;
    const done = clock.monotonicMs();
    restUntil = done + restPerLook * (done - now);
    due = done + Math.min(lookMsMax, Math.max(firstLookMs, done - began));
    known = { bytes: bytes ?? known.bytes, free: left };
  }
  return null;
}

/** Each call resolves a moment later, or at once when nobody wants to know any more. */
function ticking(clock: Clock, signal: AbortSignal): () => Promise<void> {
  let wake = (): void => {};
  signal.addEventListener("abort", () => wake(), { once: true });
  return () =>
    new Promise((resolve) => {
      const timer = clock.setTimer(signal.aborted ? 0 : tickMs, resolve);
      wake = () => {
        timer.cancel();
        resolve();
      };
    });
}
