import { FailureError, failure } from "../../ipc/errors.ts";
import { isHoldId, isOid, isTaskId } from "../../ipc/ids.ts";
import { labelLengthMax } from "../../ipc/taskRules.ts";
import type { HolderId, HoldId, Oid, RequestId, TaskId } from "../../ipc/ids.ts";

/** Checks of what came over the socket. Each throws `invalid_request` and names the parameter. */
export const idsMax = 10_000;

export function record(params: unknown): Record<string, unknown> {
  if (typeof params !== "object" || params === null || Array.isArray(params))
    throw wrong("params", "must be a map");
  return params as Record<string, unknown>;
}

export function taskId(params: unknown, name: string): TaskId {
  return asTaskId(record(params)[name], name);
}

export function taskIds(params: unknown, name: string): TaskId[] {
  const value = record(params)[name];
  if (!Array.isArray(value)) throw wrong(name, "must be a list of task ids");
  if (value.length > idsMax) throw wrong(name, `must hold at most ${idsMax} ids`);
  return [...new Set(value.map((id, at) => asTaskId(id, `${name}[${at}]`)))];
}

export function holdId(params: unknown, name: string): HoldId {
  const value = record(params)[name];
  if (typeof value !== "string" || !isHoldId(value)) throw wrong(name, "is not the id of a lock");
  return value;
}

/** Ids of tasks and of holds. */
export function holderIds(params: unknown, name: string): HolderId[] {
  const value = record(params)[name];
  if (!Array.isArray(value) || value.length === 0 || value.length > idsMax)
    throw wrong(name, `must be a list of 1 to ${idsMax} ids`);
  return [...new Set(value.map((id, at) => asHolderId(id, `${name}[${at}]`)))];
}

function asHolderId(value: unknown, name: string): HolderId {
  if (typeof value === "string" && (isHoldId(value) || isTaskId(value))) return value;
  throw wrong(name, "is neither a task id nor the id of a lock");
}

export function requestId(params: unknown): RequestId {
  const value = record(params)["request"];
  if (typeof value !== "string" || !/^[a-z0-9]{1,64}$/.test(value))
    throw wrong("request", "must be a request id");
  return value as RequestId;
}

export function objectName(params: unknown, name: string): Oid {
  const value = record(params)[name];
  if (typeof value !== "string" || !isOid(value))
    throw wrong(name, "is not the full name of a commit");
  return value;
}

export function count(params: unknown, name: string, max: number): number {
  const value = record(params)[name];
  if (!Number.isSafeInteger(value) || Number(value) < 0 || Number(value) > max)
    throw wrong(name, `must be a whole number from 0 to ${max}`);
  return Number(value);
}

export function countOrNull(params: unknown, name: string, max: number): number | null {
  return record(params)[name] === null ? null : count(params, name, max);
}

export function flag(params: unknown, name: string): boolean {
  const value = record(params)[name];
  if (typeof value !== "boolean") throw wrong(name, "must be true or false");
  return value;
}

export function choice<Choice extends string>(
  params: unknown,
  name: string,
  choices: readonly Choice[],
): Choice {
  const value = choices.find((one) => one === record(params)[name]);
  if (value === undefined) throw wrong(name, `must be one of ${choices.join(", ")}`);
  return value;
}

export function choices<Choice extends string>(
  params: unknown,
  name: string,
  allowed: readonly Choice[],
): Choice[] {
  return texts(params, name, allowed.length).map((text) => {
    const value = allowed.find((one) => one === text);
    if (value === undefined) throw wrong(name, `may hold ${allowed.join(", ")}`);
    return value;
  });
}

export function texts(params: unknown, name: string, max: number): string[] {
  const value = record(params)[name];
  if (!Array.isArray(value) || value.length > max)
    throw wrong(name, `must be a list of at most ${max} texts`);
  return value.map((text: unknown, at) => {
    if (typeof text !== "string") throw wrong(`${name}[${at}]`, "must be a text");
    return text;
  });
}

/** Of `pause` and `resume`: absent, or instead of ids. */
export function labelOf(params: unknown, ids: readonly TaskId[]): string | null {
  const value = record(params)["label"];
  if (value === undefined || value === null) return null;
  if (typeof value !== "string" || value === "" || value.length > labelLengthMax)
    throw wrong("label", `must be a text of 1 to ${labelLengthMax} characters`);
  if (ids.length > 0) throw wrong("label", "cannot be given together with ids");
  return value;
}

function asTaskId(value: unknown, name: string): TaskId {
  if (typeof value !== "string" || !isTaskId(value)) throw wrong(name, "is not a task id");
  return value;
}

function wrong(name: string, text: string): FailureError {
  return new FailureError(failure("invalid_request", `${name} ${text}`));
}
