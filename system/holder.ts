import { readFileSync } from "node:fs";
import { join } from "node:path";
import { supervisorRecordName } from "../ipc/locate.ts";
import { isRecord } from "../ipc/message.ts";
import { judge } from "./processIdentity.ts";
import type { Judgement, ProcessIdentity } from "./processIdentity.ts";

/**
 * What `supervisor.json` says of who holds the repository. The file stays behind when a supervisor is
 * killed, and its process number may be another's by then: so it is always judged, and only a process
 * that is proven to be that very one is ever signalled.
 */
export type Holder = {
  readonly pid: number;
  readonly epoch: number;
  /** `null`: the record does not say enough to know the process again. */
  readonly identity: ProcessIdentity | null;
  /** Whether that very process lives; `unknown` from another host or PID namespace. */
  readonly judgement: Judgement;
  /** `--max-parallel` of its start; `null`: none was given. */
  readonly maxParallel: number | null;
};

/** `null` when there is none, or none that can be understood. */
export function readHolder(stateDir: string): Holder | null {
  const record = readRecord(stateDir);
  if (!isRecord(record)) return null;
  const { pid, epoch, max_parallel: maxParallel } = record;
  if (!isWhole(pid) || !isWhole(epoch)) return null;
  const identity = identityIn(record, pid);
  return {
    pid,
    epoch,
    identity,
    judgement: identity === null ? "unknown" : judge(identity),
    maxParallel: isWhole(maxParallel) ? maxParallel : null,
  };
}

function identityIn(record: Record<string, unknown>, pid: number): ProcessIdentity | null {
  const { start_time: startTime, boot_id: bootId, pid_namespace: pidNamespace, host } = record;
  return isWhole(startTime) &&
    typeof bootId === "string" &&
    typeof pidNamespace === "string" &&
    typeof host === "string"
    ? { pid, startTime, bootId, pidNamespace, host }
    : null;
}

function readRecord(stateDir: string): unknown {
  try {
    return JSON.parse(readFileSync(join(stateDir, supervisorRecordName), "utf8"));
  } catch {
    return null;
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
