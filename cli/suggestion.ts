import { FailureError } from "../ipc/errors.ts";
import { nearest } from "../ipc/nearest.ts";
import { taskIds } from "./completions.ts";
import type { Session } from "./session.ts";

/**
 * A failure `not_found` of a task with the id that was probably meant: ids are typed by their beginning,
 * and with slips. Only a hint: nothing is done to a task that was not named in full.
 */
export async function withSuggestion(thrown: unknown, session: Session): Promise<unknown> {
  if (!(thrown instanceof FailureError) || thrown.failure.code !== "not_found") return thrown;
  const [, named] = /^there is no task (\S+)$/.exec(thrown.failure.message) ?? [];
  if (named === undefined) return thrown;
  const meant = nearest(named, await taskIds(session).catch(() => []));
  if (meant === null) return thrown;
  const hint = `Did you mean ${meant}? ${thrown.failure.hint ?? ""}`.trim();
  return new FailureError({ ...thrown.failure, hint });
}
