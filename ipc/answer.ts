import { failure, FailureError } from "./errors.ts";
import type { Failure } from "./errors.ts";
import { encodeFrame } from "./frames.ts";
import { answerMessage } from "./message.ts";
import type { Request } from "./message.ts";

type Answering = {
  /** Returns the result or a promise of it; a thrown `FailureError` is an answer too. */
  readonly onRequest: (method: string, params: unknown) => unknown;
  readonly onBug: (error: unknown, method: string) => void;
};

/** Of a failure whose whole is too long for a frame. */
const messageLengthMax = 10_000;

/**
 * Runs the handler and gives the frame that answers the request to `reply`, exactly once: at once
 * when the handler returns no promise. Whatever it throws besides a `FailureError`, and a result
 * that cannot be sent, is a bug: told to `onBug`, and to the other side only as `internal`.
 */
export function answer(
  request: Request,
  handlers: Answering,
  reply: (frame: Uint8Array) => void,
): void {
  const explain = (error: unknown): void => {
    if (error instanceof FailureError) return reply(refusal(request, error.failure));
    reply(refusal(request, failure("internal", `The request ${request.method} met a bug.`)));
    handlers.onBug(error, request.method);
  };
  const succeed = (result: unknown): void => {
    let frame: Uint8Array;
    try {
      frame = encodeFrame(answerMessage(request.id, null, result));
    } catch (error) {
      return explain(error);
    }
    reply(frame);
  };
  let result: unknown;
  try {
    result = handlers.onRequest(request.method, request.params);
  } catch (error) {
    return explain(error);
  }
  if (result instanceof Promise) result.then(succeed, explain);
  else succeed(result);
}

/** Never throws: a failure too long for a frame goes without its problems. */
export function refusal(request: Request, reason: Failure): Uint8Array {
  try {
    return encodeFrame(answerMessage(request.id, reason, null));
  } catch {
    const short = { ...reason, message: reason.message.slice(0, messageLengthMax), problems: [] };
    return encodeFrame(answerMessage(request.id, short, null));
  }
}
