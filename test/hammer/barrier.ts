/**
 * Many processes, released in one moment. Each is running and has loaded what it needs, and is told
 * when to begin, by the monotonic clock that all processes of a machine share:
 *
 *     harness:   "take 81234.5"  to each, a few milliseconds ahead
 *     contender: arrive(81234.5); start = nowMs(); the call; end = nowMs(); says start and end
 *
 * Whether they met is not assumed but looked at: `overlap` says how many were inside the call at once.
 */
export type Span = { readonly start: number; readonly end: number };

/** Milliseconds of the machine's monotonic clock, with fractions; the same in every process. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Sleeps until shortly before the moment, then looks at the clock until it has come. */
export function arrive(atMs: number): void {
  const sleepMs = atMs - nowMs() - spinMs;
  if (sleepMs > 0) Atomics.wait(nobodyWakes, 0, 0, sleepMs);
  while (nowMs() < atMs);
}

/** The largest number of spans that share a moment. */
export function overlap(spans: readonly Span[]): number {
  return Math.max(
    0,
    ...spans.map(
      ({ start }) => spans.filter((one) => one.start <= start && start < one.end).length,
    ),
  );
}

const spinMs = 0.3;
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
