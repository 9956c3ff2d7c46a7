import { FailureError, failure } from "../../ipc/errors.ts";
import type { ErrorCode } from "../../ipc/errors.ts";
import type { Answer, Decision } from "../core/commands.ts";

/** The answer of a decision, or its rejection thrown on its way to the client, with a better hint if there is one. */
export function settle<Of extends Answer["of"]>(
  decision: Decision,
  of: Of,
  hints: Partial<Record<ErrorCode, string>> = {},
): Extract<Answer, { of: Of }> {
  if (!decision.ok) {
    const { code, message, problems } = decision.failure;
    const hint = hints[code];
    const more = hint === undefined ? { problems } : { problems, hint };
    throw new FailureError(failure(code, message, more));
  }
  const { answer } = decision;
  if (answer.of !== of) throw new Error(`asked for ${of} and was answered ${answer.of}`);
  return answer as Extract<Answer, { of: Of }>;
}
