import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { supervisorRecordName } from "../../ipc/locate.ts";
import type { SupervisorRecord } from "../../ipc/locate.ts";
import { isRecord } from "../../ipc/message.ts";
import { writeDurably } from "../../system/atomicFile.ts";
import { judge, ownIdentity } from "../../system/processIdentity.ts";
import type { Judgement } from "../../system/processIdentity.ts";
import { failpoint, failpointNow } from "../../system/failpoint.ts";

/**
 * `supervisor.json`: who holds the repository, for people, clients and the next supervisor. It stays
 * behind when a supervisor is killed, so what it says of the process is always judged.
 */
export type Announcement = {
  /** Absolute path of the socket it listens on. */
  readonly socket: string;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
};

type HolderRecord = SupervisorRecord & {
  readonly start_time: number;
  readonly boot_id: string;
  readonly pid_namespace: string;
  readonly host: string;
};

export type Holder = {
  readonly pid: number;
  readonly epoch: number;
  /** Whether that very process lives; `unknown` from another host or PID namespace. */
  readonly judgement: Judgement;
};

export async function writeHolder(
  stateDir: string,
  epoch: number,
  { socket, version, startedAt }: Announcement,
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
  };
  await failpoint("holder.write", () =>
    writeDurably(recordPath(stateDir), `${JSON.stringify(record, null, 2)}\n`),
  );
}

/** `null` when there is none, or none that can be understood. */
export function readHolder(stateDir: string): Holder | null {
  const record = readRecord(stateDir);
  if (!isRecord(record)) return null;
  const { pid, epoch, start_time: startTime } = record;
  const { boot_id: bootId, pid_namespace: pidNamespace, host } = record;
  if (!isWhole(pid) || !isWhole(epoch)) return null;
  const known =
    isWhole(startTime) &&
    typeof bootId === "string" &&
    typeof pidNamespace === "string" &&
    typeof host === "string";
  const judgement = known ? judge({ pid, startTime, bootId, pidNamespace, host }) : "unknown";
  return { pid, epoch, judgement };
}

/** Leaves the record of another holder alone. */
export function removeHolder(stateDir: string, epoch: number): void {
  const holder = readHolder(stateDir);
  if (holder?.pid === process.pid && holder.epoch === epoch)
    failpointNow("holder.remove", () => rmSync(recordPath(stateDir), { force: true }));
}

function readRecord(stateDir: string): unknown {
  try {
    return JSON.parse(readFileSync(recordPath(stateDir), "utf8"));
  } catch {
    return null;
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function recordPath(stateDir: string): string {
  return join(stateDir, supervisorRecordName);
}
