import { mintRequestId } from "../ipc/ids.ts";
import type { Config } from "../ipc/configSpec.ts";
import type { TaskId } from "../ipc/ids.ts";
import type { TaskSpec } from "../ipc/taskSpec.ts";
import type { Session } from "./session.ts";

export type Submitted = {
  readonly ids: readonly TaskId[];
  /** Those of `ids` that were there already, asked for in the same words. */
  readonly existing: readonly TaskId[];
  /** Tasks that stand between the waves; none of them is in `ids`. Absent where nobody asked for waves. */
  readonly barriers?: readonly TaskId[];
};

const redialMs = 10_000;

/**
 * Sends tasks, all or none. The request keeps its id when the connection is lost and the call is sent
 * again, so it counts once.
 *
 * @param specsWith makes the specs; called with the timeout for tasks that name none
 * @param waves whether tasks of one wave of the plan wait until all of the wave before have ended
 */
export async function submitTasks(
  session: Session,
  specsWith: (timeoutMs: number | null) => readonly TaskSpec[],
  waves: "with barriers" | "as claims allow" = "as claims allow",
): Promise<Submitted> {
  // First without a supervisor: what is wrong with a file is said even where none runs.
  const specs = specsWith(null);
  const client = await session.connect({ timeoutMs: redialMs });
  const { config } = await client.call("config", {});
  const usual = specs.every(({ timeout_ms }) => timeout_ms === config.limits.timeout_ms);
  const wanted = usual ? specs : specsWith(config.limits.timeout_ms);
  const request = mintRequestId();
  if (waves === "as claims allow") return await client.call("submit", { request, tasks: wanted });
  const { specs: tasks, barriers } = await barred(session, wanted, config);
  const { ids, existing } = await client.call("submit", { request, tasks });
  const between = new Set(barriers);
  const own = (all: readonly TaskId[]): readonly TaskId[] => all.filter((id) => !between.has(id));
  return { ids: own(ids), existing: own(existing), barriers };
}

/** Loaded where it is asked for: most submits need no plan. */
async function barred(session: Session, specs: readonly TaskSpec[], config: Config) {
  const { inWaves } = await import("./planning.ts");
  return await inWaves(session, specs, config);
}
