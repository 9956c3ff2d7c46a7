import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

/**
 * Loaded into a supervisor that is measured (`NODE_OPTIONS=--import=…`): on SIGUSR2 it writes how long
 * its event loop kept timers waiting since the last time, as JSON, into `ORCHD_BENCH_DELAY`. Nothing
 * happens in the processes below it.
 */
const file = process.env["ORCHD_BENCH_DELAY"];
const resolutionMs = 1;

if (file !== undefined && /daemon[/\\]main\.[jt]s$/.test(process.argv[1] ?? "")) {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  process.on("SIGUSR2", () => {
    const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map(
      (nanoseconds) => nanoseconds / 1e6 - resolutionMs,
    );
    delay.reset();
    writeFileSync(file, JSON.stringify({ p50, p99, max }));
  });
}
