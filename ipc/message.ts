import { failure, isErrorCode } from "./errors.ts";
import type { Failure, Problem } from "./errors.ts";

/**
 * MessagePack-RPC's three messages, in both directions over one connection
 * (https://github.com/msgpack-rpc/msgpack-rpc/blob/master/spec.md). `params` is one value of any
 * shape rather than an array of arguments. An error is a `Failure`.
 */
export type Message = Request | Answer | Notification;
export type Request = {
  readonly kind: "request";
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
};
export type Answer = {
  readonly kind: "answer";
  readonly id: number;
  readonly error: unknown;
  readonly result: unknown;
};
type Notification = {
  readonly kind: "notification";
  readonly method: string;
  readonly params: unknown;
};

export type WireMessage = readonly [number, ...unknown[]];

const requestType = 0;
const answerType = 1;
const notificationType = 2;
const methodLengthMax = 64;
export const requestIdMax = 0xffffffff;

export function requestMessage(id: number, method: string, params: unknown): WireMessage {
  return [requestType, id, method, params];
}

export function answerMessage(id: number, error: Failure | null, result: unknown): WireMessage {
  return [answerType, id, error, result];
}

export function notificationMessage(method: string, params: unknown): WireMessage {
  return [notificationType, method, params];
}

/** A decoded frame as one of the three; `null` when it is none of them. */
export function readMessage(value: unknown): Message | null {
  if (!Array.isArray(value)) return null;
  const [type, first, second, third] = value as unknown[];
  if (type === notificationType && value.length === 3) {
    return isMethod(first) ? { kind: "notification", method: first, params: second } : null;
  }
  if (value.length !== 4 || !isRequestNumber(first)) return null;
  if (type === answerType) return { kind: "answer", id: first, error: second, result: third };
  if (type !== requestType || !isMethod(second)) return null;
  return { kind: "request", id: first, method: second, params: third };
}

/** A failure from the other side; a code that this version does not know becomes `internal`. */
export function readFailure(value: unknown): Failure {
  if (!isRecord(value) || typeof value["message"] !== "string") {
    return failure("internal", "The other side failed without saying why.");
  }
  const { code, message, hint, problems } = value;
  return {
    code: isErrorCode(code) ? code : "internal",
    message,
    hint: typeof hint === "string" ? hint : null,
    problems: Array.isArray(problems) ? problems.flatMap(readProblem) : [],
  };
}

function readProblem(value: unknown): Problem[] {
  if (!isRecord(value) || typeof value["message"] !== "string") return [];
  const { file, line, column, field, message } = value;
  return [
    {
      file: typeof file === "string" ? file : null,
      line: typeof line === "number" ? line : null,
      column: typeof column === "number" ? column : null,
      field: typeof field === "string" ? field : "",
      message,
    },
  ];
}

function isMethod(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= methodLengthMax;
}

function isRequestNumber(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= requestIdMax;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
