import type { TaskId } from "../../../ipc/ids.ts";
import type { TaskSpec } from "../../../ipc/taskSpec.ts";

/**
 * Waves with barriers, made of ordinary tasks: between two waves stands a task with nothing to do that
 * comes after all of the first (`after_any`: however they end), and all of the second come after it.
 *
 *     a  b  c ──► wave-1-4f2a ──► d  e ──► wave-2-4f2a ──► f
 *
 * So a barrier is journaled with the tasks, is there after a restart, and a failed task does not hold up
 * the next wave, unless one in there comes `after` it. Such a task needs no slot.
 */
export type Barriers = {
  /** The same tasks in the same order, then the barriers. */
  readonly specs: readonly TaskSpec[];
  readonly barriers: readonly TaskId[];
};

/**
 * @param waves ids of `specs`, wave by wave; who is in none waits for no barrier
 * @param mark the same for the same tasks, so that a submit may be repeated
 * @param afterMax how many tasks one may come after; a larger wave gets several barriers
 */
export function withBarriers(
  specs: readonly TaskSpec[],
  waves: readonly (readonly TaskId[])[],
  { mark, afterMax }: { readonly mark: string; readonly afterMax: number },
): Barriers {
  const waitsFor = new Map<TaskId, readonly TaskId[]>();
  const barriers: TaskSpec[] = [];
  const [model] = specs;
  if (model === undefined) return { specs, barriers: [] };
  for (const [at, wave] of waves.slice(0, -1).entries()) {
    const made = chunks(wave, afterMax).map((ids, part, parts) =>
      barrier(model, {
        id: `wave-${at + 1}-${mark}${parts.length > 1 ? `-${part + 1}` : ""}`,
        title: `Barrier: wave ${at + 1} of ${waves.length} has ended`,
        ids,
      }),
    );
    barriers.push(...made);
    for (const id of waves[at + 1] ?? [])
      waitsFor.set(
        id,
        made.map((one) => one.id),
      );
  }
  const waiting = specs.map((spec) => ({
    ...spec,
    after_any: [...spec.after_any, ...(waitsFor.get(spec.id) ?? [])],
  }));
  return { specs: [...waiting, ...barriers], barriers: barriers.map(({ id }) => id) };
}

function barrier(
  model: TaskSpec,
  {
    id,
    title,
    ids,
  }: { readonly id: string; readonly title: string; readonly ids: readonly TaskId[] },
): TaskSpec {
  return {
    ...model,
    id: id as TaskId,
    title,
    objective: null,
    decision: null,
    labels: ["barrier"],
    work: { kind: "tools", calls: [] },
    cwd: ".",
    workspace: "none",
    claims: { writes: [], reads: [], resources: {} },
    after: [],
    after_any: ids,
    priority: 0,
    not_before: null,
    estimate_ms: null,
    retries: { max: 0, backoff_ms: 0 },
    env: {},
    secrets: [],
    verify: [],
    commit: { message: null, author: null, trailers: {} },
  };
}

function chunks<Item>(items: readonly Item[], size: number): (readonly Item[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size));
}
