import { spawn } from "node:child_process";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../ipc/client.ts";
import { supervisorNodeFlags } from "../../cli/supervisorFlags.ts";
import { rounded } from "./figures.ts";
import { writeFullJournal } from "./fullJournal.ts";
import { built, makeScratch } from "./rig.ts";
import { memoryOf } from "./usage.ts";
import type { Client } from "../../ipc/client.ts";
import type { Scratch } from "./rig.ts";

/**
 * A start with 100,000 finished and 10,000 queued tasks in the journal: until ready, and the memory
 * then. Then the 10,000 run through two workers: how long the supervisor's event loop kept timers
 * waiting meanwhile, snapshots included, and the memory at the end.
 */
const finished = 100_000;
const queued = 10_000;
const settledMs = 2_000;

export async function benchRecovery(): Promise<Record<string, number>> {
  using scratch = await makeScratch();
  const building = performance.now();
  await writeFullJournal(scratch.repo, { finished, queued });
  const build_s = (performance.now() - building) / 1_000;
  const journal_mb = statSync(join(scratch.repo, ".git/orchd/journal.db")).size / 1e6;
  await using started = await startSupervisor(scratch, join(built, "daemon/main.js"));
  const { client, pid } = started;
  await new Promise((resolve) => setTimeout(resolve, settledMs));
  const { rssMb: rss_mb } = memoryOf(pid);
  await started.delays();
  const begun = performance.now();
  await client.call("resume", { ids: [] });
  await drained(client);
  const ran_s = (performance.now() - begun) / 1_000;
  const { p50 = 0, p99 = 0, max = 0 } = await started.delays();
  return rounded({
    finished,
    queued,
    build_s,
    journal_mb,
    ready_ms: started.readyMs,
    rss_mb,
    ran_s,
    loop_delay_p50_ms: p50,
    loop_delay_p99_ms: p99,
    loop_delay_max_ms: max,
    rss_after_mb: memoryOf(pid).rssMb,
  });
}

async function drained(client: Client): Promise<void> {
  for (;;) {
    const { counts } = await client.call("status", { finished_max: 0, open_max: 0 });
    if (counts.queued + counts.running === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export type Started = {
  readonly pid: number;
  readonly client: Client;
  readonly readyMs: number;
  /** Of the event loop since the last call, ms. */
  readonly delays: () => Promise<Record<string, number>>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** A supervisor from `entry`, with two workers. */
export async function startSupervisor({ repo, env }: Scratch, entry: string): Promise<Started> {
  const file = join(repo, "delay.json");
  const begun = performance.now();
  const args = [...supervisorNodeFlags, entry, "--repo", repo, "--max-parallel", "2"];
  const child = spawn(process.execPath, args, {
    env: {
      ...process.env,
      ...env,
      ORCHD_BENCH_DELAY: file,
      NODE_OPTIONS: `--import=${join(import.meta.dirname, "loopDelay.ts")}`,
    },
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const said = await new Promise<string>((resolve) =>
    child.stdio[3]?.once("data", (chunk: Buffer) => resolve(chunk.toString())),
  );
  const readyMs = performance.now() - begun;
  if (!said.includes('"ready":true')) throw new Error(`the supervisor said ${said}`);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const client = await connect({ repo });
  const { pid } = client.supervisor;
  return {
    pid,
    client,
    readyMs,
    delays: async () => {
      rmSync(file, { force: true });
      process.kill(pid, "SIGUSR2");
      while (statSync(file, { throwIfNoEntry: false })?.size === undefined)
        await new Promise((resolve) => setTimeout(resolve, 5));
      return JSON.parse(readFileSync(file, "utf8")) as Record<string, number>;
    },
    [Symbol.asyncDispose]: async () => {
      await client.call("stop", { mode: "now" });
      await ended;
      await client.close();
    },
  };
}
