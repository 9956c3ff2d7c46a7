import { fail, failure, ok } from "./errors.ts";
import type { Failure, Result } from "./errors.ts";
import { isTaskId, isWorkerId } from "./ids.ts";
import { isRecord } from "./message.ts";
import type { ClientHello } from "./methods.ts";
import type { AttemptKey, WorkerHello } from "./workerMessages.ts";

/**
 * The handshake. Whoever dials sends the request `hello` first and nothing else until it is answered:
 *
 *     { role: "client", protocol, version }          → HelloView       (ipc/methods.ts)
 *     { role: "worker", protocol, version, worker,
 *       token, pid, holding }                        → WorkerSettings  (ipc/workerMessages.ts)
 *
 * Both sides must speak the same `protocolVersion`; it grows with every change that an older side
 * would misread. `version` is that of the package and is only shown. A connection that has not said
 * hello within `handshakeTimeMs` is closed.
 */
export const protocolVersion = 1;
export const handshakeTimeMs = 5000;
export const helloMethod = "hello";
/** Far beyond what a worker can hold; a longer list is not believed. */
const holdingMax = 4096;
const textLengthMax = 256;

export type Hello = ClientHello | WorkerHello;

/** Checks the parameters of `hello` from a stranger: every field, no others are kept. */
export function readHello(params: unknown): Result<Hello> {
  if (!isRecord(params)) return malformed("it is not a map");
  const { role, protocol, version } = params;
  // First, because a hello of another protocol version may well look different.
  if (!isCount(protocol)) return malformed("protocol is not a number");
  if (protocol !== protocolVersion) return fail(versionMismatch(protocol, protocolVersion));
  if (!isText(version)) return malformed("version is not a text");
  if (role === "client") return ok({ role, protocol, version });
  if (role !== "worker") return malformed("role is neither client nor worker");
  const { worker, token, pid, holding } = params;
  if (!isText(worker) || !isWorkerId(worker)) return malformed("worker is not a worker's id");
  if (!isText(token)) return malformed("token is not a text");
  if (!isCount(pid)) return malformed("pid is not a number");
  const keys = readHolding(holding);
  if (keys === null) return malformed("holding is not a list of attempts");
  return ok({ role, protocol, version, worker, token, pid, holding: keys });
}

/** `theirs` and `ours` are protocol versions, seen from the side that says it. */
export function versionMismatch(theirs: number, ours: number): Failure {
  const message = `The other side speaks protocol version ${theirs}, this side version ${ours}.`;
  return failure("version_mismatch", message);
}

function readHolding(value: unknown): AttemptKey[] | null {
  if (!Array.isArray(value) || value.length > holdingMax) return null;
  const keys = value.map(readAttemptKey);
  return keys.every((key) => key !== null) ? keys : null;
}

function readAttemptKey(value: unknown): AttemptKey | null {
  if (!isRecord(value)) return null;
  const { task, attempt, fence } = value;
  if (!isText(task) || !isTaskId(task) || !isCount(attempt) || !isCount(fence)) return null;
  return { task, attempt, fence };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= textLengthMax;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function malformed(why: string): { readonly ok: false; readonly failure: Failure } {
  return fail(failure("invalid_request", `The hello is malformed: ${why}.`));
}
