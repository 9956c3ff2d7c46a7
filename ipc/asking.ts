import { failure, FailureError } from "./errors.ts";
import { isTaskId, mintRequestId, mintTaskId } from "./ids.ts";
import { normaliseGlob } from "./glob.ts";
import type { ClaimSet, TaskSpec } from "./taskSpec.ts";
import type { TaskId } from "./ids.ts";
import type { Methods } from "./methods.ts";

/**
 * What programs write, made into what the supervisor takes: ids as plain texts, claims as a person
 * writes them, tasks as they stand in a task file. Each throws a `FailureError` that says what is wrong.
 */
export type AskedClaims = {
  readonly writes?: readonly string[];
  readonly reads?: readonly string[];
  readonly resources?: Readonly<Record<string, number>>;
};

/** Throws `not_found` for what is no task id. */
export function taskIdsOf(ids: readonly string[]): TaskId[] {
  return ids.map((id) => {
    if (isTaskId(id)) return id;
    throw new FailureError(failure("not_found", `there is no task ${id}`));
  });
}

/** `null` stays: a task that declares nothing. Throws `invalid_request` with the glob. */
export function claimsOf(asked: AskedClaims | null): ClaimSet | null {
  if (asked === null) return null;
  return {
    writes: (asked.writes ?? []).map(normalGlob),
    reads: (asked.reads ?? []).map(normalGlob),
    resources: asked.resources ?? {},
  };
}

/**
 * A submit of tasks in the format of a task file: one task, or `{tasks: […]}`, as docs/reference/task.md
 * says. Throws `invalid_task` with everything that is wrong.
 *
 * @param timeoutMs for tasks that name no timeout
 */
export async function submissionOf(
  tasks: unknown,
  timeoutMs: number,
): Promise<Methods["submit"]["params"]> {
  const { parseTaskValue } = await import("./taskFile.ts");
  const parsed = parseTaskValue(tasks, { name: "submit", mint: mintTaskId, timeoutMs });
  if (!parsed.ok) throw new FailureError(parsed.failure);
  const specs: readonly TaskSpec[] = parsed.value.specs;
  return { request: mintRequestId(), tasks: specs };
}

function normalGlob(written: string): string {
  const parsed = normaliseGlob(written);
  if (parsed.ok) return parsed.glob;
  throw new FailureError(
    failure("invalid_request", `${JSON.stringify(written)} ${parsed.message}`),
  );
}
