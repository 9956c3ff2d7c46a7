import { FailureError, failure } from "../../ipc/errors.ts";
import type { Answer, Decision } from "../core/commands.ts";

/** The answer of a decision, or its rejection thrown on its way to the client. */
export function settle<Of extends Answer["of"]>(
  decision: Decision,
  of: Of,
): Extract<Answer, { of: Of }> {
  if (!decision.ok) {
    const { code, message, problems } = decision.failure;
    throw new FailureError(failure(code, message, { problems }));
  }
  const { answer } = decision;
  if (answer.of !== of) throw new Error(`asked for ${of} and was answered ${answer.of}`);
  return answer as Extract<Answer, { of: Of }>;
}
