import { basename, join } from "node:path";
import { readdir } from "node:fs/promises";
import { readJsonFile, writeDurably } from "../../system/atomicFile.ts";
import { isWorkerId } from "../../ipc/ids.ts";
import { judge } from "../../system/processIdentity.ts";
import type { ProcessIdentity } from "../../system/processIdentity.ts";
import type { WorkerId } from "../../ipc/ids.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * Who works in a slot, written down where `git clean` does not reach, so that the next supervisor
 * knows a worker that outlived the last one: which process it is and the token it will show.
 */
export type WorkerRecord = {
  readonly worker: WorkerId;
  readonly token: string;
  readonly epoch: number;
  readonly identity: ProcessIdentity;
};

const recordBytesMax = 64 * 1024;

export function recordPath(stateDir: string, worker: WorkerId): string {
  return join(stateDir, "workers", `${worker}.json`);
}

export async function writeRecord(stateDir: string, record: WorkerRecord): Promise<void> {
  await failpoint("pool.record", () =>
    writeDurably(recordPath(stateDir, record.worker), JSON.stringify(record)),
  );
}

export async function readRecord(stateDir: string, worker: WorkerId): Promise<WorkerRecord | null> {
  const value = await readJsonFile(recordPath(stateDir, worker), recordBytesMax);
  return isRecordOf(value, worker) ? value : null;
}

/** Workers of earlier supervisors that are still there, in no order. */
export async function livingWorkers(stateDir: string): Promise<WorkerId[]> {
  const names = await readdir(join(stateDir, "workers")).catch(() => []);
  const workers = names.map((name) => basename(name, ".json")).filter((name) => isWorkerId(name));
  const records = await Promise.all(workers.map((worker) => readRecord(stateDir, worker)));
  return records.flatMap((record) =>
    record !== null && judge(record.identity) === "alive" ? [record.worker] : [],
  );
}

function isRecordOf(value: unknown, worker: WorkerId): value is WorkerRecord {
  if (typeof value !== "object" || value === null) return false;
  const { worker: id, token, identity } = value as Partial<WorkerRecord>;
  return id === worker && typeof token === "string" && typeof identity?.pid === "number";
}
