import type { TaskId } from "../../ipc/ids.ts";
import type { TaskSpec } from "../../ipc/taskSpec.ts";

/** A whole task of which nothing is said but `changes`: it runs `true`, claims nothing and waits for nobody. */
export function plainSpec(id: TaskId, changes: Partial<TaskSpec> = {}): TaskSpec {
  return {
    id,
    title: id,
    objective: null,
    decision: null,
    labels: [],
    work: { kind: "run", argv: ["true"] },
    cwd: ".",
    workspace: "clone",
    claims: { writes: [], reads: [], resources: {} },
    after: [],
    after_any: [],
    priority: 0,
    not_before: null,
    estimate_ms: null,
    timeout_ms: 3_600_000,
    retries: { max: 0, backoff_ms: 0 },
    env: {},
    secrets: [],
    verify: [],
    commit: { message: null, author: null, trailers: {} },
    ...changes,
  };
}
