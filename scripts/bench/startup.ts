import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { connect } from "../../ipc/client.ts";
import { Peer } from "../../ipc/peer.ts";
import { percentile, rounded } from "./figures.ts";
import { built, makeScratch, workersReady } from "./rig.ts";
import { memoryOf, processTree } from "./usage.ts";
import type { Scratch } from "./rig.ts";

/**
 * From cold, each start with a process of its own, median of several. `supervisor_ready_ms`: from the
 * spawn of the supervisor until its line on descriptor 3 says that it accepts submits.
 * `worker_ready_ms`: from the spawn of a worker until it has dialled in, nothing else starting
 * beside it. `all_ready_ms`: from the spawn of the supervisor until its one worker is idle. Memory
 * is looked at a second later. `first_ready_ms`: the very first start in a repository.
 */
const starts = 9;
const settledMs = 1_000;

export async function benchStartup(): Promise<Record<string, number>> {
  using scratch = await makeScratch();
  const first = await startSupervisor(scratch);
  const runs: Record<string, number>[] = [];
  for (let at = 0; at < starts; at += 1) runs.push(await startSupervisor(scratch));
  const workers: number[] = [];
  for (let at = 0; at < starts; at += 1) workers.push(await startWorker(scratch));
  const median = (name: string) =>
    percentile(
      runs.map((run) => run[name] ?? Number.NaN),
      0.5,
    );
  return rounded({
    starts,
    supervisor_ready_ms: median("ready"),
    first_ready_ms: first["ready"] ?? Number.NaN,
    worker_ready_ms: percentile(workers, 0.5),
    all_ready_ms: median("all_ready"),
    supervisor_rss_mb: median("supervisor_rss_mb"),
    supervisor_pss_mb: median("supervisor_pss_mb"),
    worker_rss_mb: median("worker_rss_mb"),
    worker_pss_mb: median("worker_pss_mb"),
  });
}

async function startSupervisor({ repo, env }: Scratch): Promise<Record<string, number>> {
  const begun = performance.now();
  const child = spawn(
    process.execPath,
    [join(built, "daemon/main.js"), "--repo", repo, "--max-parallel", "1"],
    { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "inherit", "pipe"] },
  );
  const said = await new Promise<string>((resolve) =>
    child.stdio[3]?.once("data", (chunk: Buffer) => resolve(chunk.toString())),
  );
  const ready = performance.now() - begun;
  if (!said.includes('"ready":true')) throw new Error(`the supervisor said ${said}`);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await using client = await connect({ repo });
  await workersReady(client, 1);
  const all_ready = performance.now() - begun;
  await new Promise((resolve) => setTimeout(resolve, settledMs));
  const { pid: supervisor } = client.supervisor;
  const worker = processTree(supervisor).find((pid) => pid !== supervisor) ?? 0;
  const [own, theirs] = [memoryOf(supervisor), memoryOf(worker)];
  await client.call("stop", { mode: "now" });
  await ended;
  return {
    ready,
    all_ready,
    supervisor_rss_mb: own.rssMb,
    supervisor_pss_mb: own.pssMb,
    worker_rss_mb: theirs.rssMb,
    worker_pss_mb: theirs.pssMb,
  };
}

/** A worker that is started the way the pool does it, with this process in the supervisor's place. */
async function startWorker({ repo, env }: Scratch): Promise<number> {
  const stateDir = join(repo, "bench-state");
  const socket = join(stateDir, "bench.sock");
  await mkdir(stateDir, { recursive: true });
  const record = { pid: process.pid, epoch: 1, socket, version: "0", started_at: 0 };
  await writeFile(join(stateDir, "supervisor.json"), JSON.stringify(record));
  const said = Promise.withResolvers<void>();
  const server = createServer((connection) => {
    const peer = new Peer(connection, {
      onRequest: () => {
        said.resolve();
        return new Promise(() => {});
      },
      onNotification: () => {},
      onEnd: () => {},
      onBug: said.reject,
    });
    void said.promise.then(() => peer.close());
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const begun = performance.now();
  const child = spawn(process.execPath, [join(built, "worker/main.js")], {
    env: {
      ...process.env,
      ...env,
      ORCHD_WORKER: "worker-1",
      ORCHD_WORKER_DIR: join(stateDir, "worker-1"),
      ORCHD_WORKER_TOKEN: "bench",
      ORCHD_STATE_DIR: stateDir,
    },
    stdio: "ignore",
  });
  await said.promise;
  const elapsedMs = performance.now() - begun;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  // It writes its compile cache a second after it has started.
  await new Promise((resolve) => setTimeout(resolve, 1.5 * settledMs));
  child.kill("SIGKILL");
  await ended;
  await new Promise((resolve) => server.close(resolve));
  return elapsedMs;
}
