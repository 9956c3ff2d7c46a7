import { hash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FailureError, failure } from "../../../ipc/errors.ts";
import { settle } from "../decision.ts";
import { record, requestId } from "../params.ts";
import { tasksPerSubmitMax } from "../../core/limits.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { Submission } from "../../core/commands.ts";
import type { ServerContext } from "../context.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";

let checking: Promise<typeof import("../../../ipc/task.ts")> | null = null;

/** Specs checked before others get their turn in the event loop. */
const checkedPerTurn = 200;

/** Accepts all of the tasks or none. Answered when they are durable. */
export async function submit(
  params: unknown,
  context: ServerContext,
): Promise<Methods["submit"]["result"]> {
  requestId(params);
  const tasks = await readSubmissions(record(params)["tasks"], context);
  const answer = settle(await context.ask({ type: "submit", tasks }), "submit");
  return { ids: [...answer.ids], existing: [...answer.existing] };
}

async function readSubmissions(value: unknown, context: ServerContext): Promise<Submission[]> {
  if (!Array.isArray(value) || value.length === 0)
    throw new FailureError(failure("invalid_request", "tasks must be a list of tasks"));
  if (value.length > tasksPerSubmitMax)
    throw new FailureError(failure("limit", `a submit holds at most ${tasksPerSubmitMax} tasks`));
  // Kept, because looking for a module that is loaded costs as much as a submit.
  checking ??= import("../../../ipc/task.ts");
  const { checkSpec } = await checking;
  const submissions: Submission[] = [];
  for (const [at, item] of value.entries()) {
    if (at % checkedPerTurn === checkedPerTurn - 1) await nextTurn();
    const checked = checkSpec(item);
    if (!checked.ok) throw new FailureError(checked.failure);
    const { spec: sent, text } = checked.value;
    const missing = sent.secrets.find((name) => !context.hasSecret(name));
    if (missing !== undefined)
      throw new FailureError(
        failure("refused", `${sent.id} needs the secret ${missing}, which is not set`, {
          hint: `Start the supervisor with ${missing} in its environment.`,
        }),
      );
    // Of the spec as it was sent: what the machine completes may differ when it is sent again. Its
    // keys are in one order, so equal specs have equal texts.
    const digest = hash("sha256", text, "base64url");
    const spec = needsCompletion(sent) ? await context.completeSpec(sent) : sent;
    submissions.push({ spec, digest });
  }
  return submissions;
}

function needsCompletion({ claims, cwd }: TaskSpec): boolean {
  return cwd !== "." || (claims !== null && claims.writes.length + claims.reads.length > 0);
}
