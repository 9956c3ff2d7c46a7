import { mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { exitCodes } from "../ipc/errors.ts";
import { isWorkerId } from "../ipc/ids.ts";
import { isRecord } from "../ipc/message.ts";
import { readJsonFile, replaceFile } from "../system/atomicFile.ts";
import { judge, ownIdentity } from "../system/processIdentity.ts";
import type { ProcessIdentity } from "../system/processIdentity.ts";
import { makeLog } from "./log.ts";
import type { Log } from "./log.ts";
import { Worker } from "./worker.ts";
import type { WorkerOptions } from "./worker.ts";
import { armFromEnvironment, failpoint } from "../system/failpoint.ts";

const recordBytesMax = 64 * 1024;

/** Runs the worker that the environment describes; resolves with the exit code when it is over. */
export async function startWorker(): Promise<number> {
  const options = readOptions();
  if (options === null) {
    process.stderr.write("this program is started by the supervisor: ORCHD_WORKER… is not set\n");
    return exitCodes.usage;
  }
  armFromEnvironment("worker");
  const { log, stateFolder } = options;
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  const other = await livingTwin(stateFolder);
  if (other !== null) {
    log("the same worker already runs", { pid: other });
    return exitCodes.refused;
  }
  const identity = `${JSON.stringify(ownIdentity())}\n`;
  await failpoint("worker.claim", () => replaceFile(join(stateFolder, "worker.json"), identity));
  const worker = new Worker(options);
  const stop = (signal: NodeJS.Signals): void => worker.end(signal);
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", () => {});
  endOnBugs(log);
  await worker.run();
  log("ended");
  return exitCodes.done;
}

/** Two processes in one workspace would save and reset each other's work. */
async function livingTwin(stateFolder: string): Promise<number | null> {
  const value = await readJsonFile(join(stateFolder, "worker.json"), recordBytesMax);
  if (!isRecord(value)) return null;
  const identity = value as ProcessIdentity;
  if (identity.pid === process.pid || judge(identity) !== "alive") return null;
  return identity.pid;
}

function readOptions(): WorkerOptions | null {
  const { ORCHD_WORKER, ORCHD_WORKER_DIR, ORCHD_WORKER_TOKEN, ORCHD_STATE_DIR } = process.env;
  if (ORCHD_WORKER === undefined || !isWorkerId(ORCHD_WORKER)) return null;
  if (ORCHD_WORKER_DIR === undefined || !isAbsolute(ORCHD_WORKER_DIR)) return null;
  if (ORCHD_STATE_DIR === undefined || !isAbsolute(ORCHD_STATE_DIR)) return null;
  if (ORCHD_WORKER_TOKEN === undefined) return null;
  return {
    worker: ORCHD_WORKER,
    stateFolder: ORCHD_WORKER_DIR,
    stateDir: ORCHD_STATE_DIR,
    token: ORCHD_WORKER_TOKEN,
    log: makeLog(ORCHD_WORKER),
  };
}

/** A worker with a bug ends, and its agent with it; the next process of the worker saves the work. */
function endOnBugs(log: Log): void {
  const end = (error: unknown): void => {
    log("a bug", {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    process.exit(exitCodes.bug);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
