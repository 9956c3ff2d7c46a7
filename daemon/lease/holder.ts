import { rmSync } from "node:fs";
import { join } from "node:path";
import { supervisorRecordName } from "../../ipc/locate.ts";
import type { SupervisorRecord } from "../../ipc/locate.ts";
import { writeDurably } from "../../system/atomicFile.ts";
import { readHolder } from "../../system/holder.ts";
import { ownIdentity } from "../../system/processIdentity.ts";
import { failpoint, failpointNow } from "../../system/failpoint.ts";

/**
 * `supervisor.json`: who holds the repository, for people, clients and the next supervisor. It stays
 * behind when a supervisor is killed, so what it says of the process is always judged (system/holder.ts).
 */
export type Announcement = {
  /** Absolute path of the socket it listens on. */
  readonly socket: string;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** `--max-parallel`, for `orchd restart`; `null`: not given. */
  readonly maxParallel?: number | null;
};

type HolderRecord = SupervisorRecord & {
  readonly start_time: number;
  readonly boot_id: string;
  readonly pid_namespace: string;
  readonly host: string;
  readonly max_parallel: number | null;
};

export async function writeHolder(
  stateDir: string,
  epoch: number,
  { socket, version, startedAt, maxParallel = null }: Announcement,
): Promise<void> {
  const { pid, startTime, bootId, pidNamespace, host } = ownIdentity();
  const record: HolderRecord = {
    pid,
    epoch,
    socket,
    version,
    started_at: startedAt,
    start_time: startTime,
    boot_id: bootId,
    pid_namespace: pidNamespace,
    host,
    max_parallel: maxParallel,
  };
  await failpoint("holder.write", () =>
    writeDurably(recordPath(stateDir), `${JSON.stringify(record, null, 2)}\n`),
  );
}

/** Leaves the record of another holder alone. */
export function removeHolder(stateDir: string, epoch: number): void {
  const holder = readHolder(stateDir);
  if (holder?.pid === process.pid && holder.epoch === epoch)
    failpointNow("holder.remove", () => rmSync(recordPath(stateDir), { force: true }));
}

function recordPath(stateDir: string): string {
  return join(stateDir, supervisorRecordName);
}
