import { mintRequestId } from "../ipc/ids.ts";
import type { TaskId } from "../ipc/ids.ts";
import type { TaskSpec } from "../ipc/taskSpec.ts";
import type { Session } from "./session.ts";

export type Submitted = {
  readonly ids: readonly TaskId[];
  /** Those of `ids` that were there already, asked for in the same words. */
  readonly existing: readonly TaskId[];
};

const redialMs = 10_000;

/**
 * Sends tasks, all or none. The request keeps its id when the connection is lost and the call is sent
 * again, so it counts once.
 *
 * @param specsWith makes the specs; called with the timeout for tasks that name none
 */
export async function submitTasks(
  session: Session,
  specsWith: (timeoutMs: number | null) => readonly TaskSpec[],
): Promise<Submitted> {
  // First without a supervisor: what is wrong with a file is said even where none runs.
  const specs = specsWith(null);
  const client = await session.connect({ timeoutMs: redialMs });
  const { config } = await client.call("config", {});
  const usual = specs.every(({ timeout_ms }) => timeout_ms === config.limits.timeout_ms);
  const tasks = usual ? specs : specsWith(config.limits.timeout_ms);
  return await client.call("submit", { request: mintRequestId(), tasks });
}
