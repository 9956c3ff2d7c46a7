import { problemIn, rejection } from "./failures.ts";
import { tasksPerSubmitMax } from "./limits.ts";
import type { Apply } from "./decide.ts";
import type { Decision, Submission } from "./commands.ts";
import type { Problem } from "../../ipc/errors.ts";
import type { State } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";

/**
 * All tasks of a submit are accepted, or none. The id is the idempotency key: the same id with the
 * same spec is the same task and changes nothing, so a submit may be sent again at any time.
 */
export function submitTasks(
  state: State,
  submissions: readonly Submission[],
  apply: Apply,
): Decision {
  if (submissions.length > tasksPerSubmitMax)
    return rejection("limit", `a submit holds at most ${tasksPerSubmitMax} tasks`);
  const fresh: Submission[] = [];
  const existing: TaskId[] = [];
  const own = new Map<TaskId, string>();
  for (const submission of submissions) {
    const { id } = submission.spec;
    const digest = own.get(id) ?? digestOf(state, id);
    if (digest !== null && digest !== submission.digest) return taken(id);
    if (digest === null) fresh.push(submission);
    else existing.push(id);
    own.set(id, submission.digest);
  }
  const open = state.counts.queued + state.counts.running + state.counts.landing;
  if (open + fresh.length > state.settings.tasksOpenMax)
    return rejection(
      "limit",
      `${open} tasks are open and the limit is ${state.settings.tasksOpenMax} (limits.tasks_open)`,
    );
  const problems = [...unknownDependencies(state, fresh, own), ...impossible(state, fresh)];
  const first = problems[0];
  if (first !== undefined) return rejection("invalid_task", first.message, problems);
  const cycle = findCycle(fresh);
  if (cycle !== null) return cyclic(cycle);
  for (const { spec, digest } of fresh)
    apply({ type: "TaskSubmitted", task: spec.id, spec, digest });
  return {
    ok: true,
    answer: { of: "submit", ids: submissions.map(({ spec }) => spec.id), existing },
  };
}

function digestOf(state: State, id: TaskId): string | null {
  return state.tasks.get(id)?.digest ?? state.finals.get(id)?.digest ?? null;
}

function taken(id: TaskId): Decision {
  return rejection("id_taken", `there is a task ${id} already, and it asks for something else`, [
    problemIn("id", `${id} is taken by a task with another spec`),
  ]);
}

function unknownDependencies(
  state: State,
  fresh: readonly Submission[],
  own: ReadonlyMap<TaskId, string>,
): Problem[] {
  return fresh.flatMap(({ spec }) =>
    (["after", "after_any"] as const).flatMap((field) =>
      spec[field]
        .filter((id) => !own.has(id) && digestOf(state, id) === null)
        .map((id) =>
          problemIn(field, `task ${spec.id} comes after ${id}, and there is no task ${id}`),
        ),
    ),
  );
}

/** More of a resource than there is: such a task could never start. */
function impossible(state: State, fresh: readonly Submission[]): Problem[] {
  return fresh.flatMap(({ spec }) =>
    Object.entries(spec.claims?.resources ?? {}).flatMap(([resource, count]) => {
      const capacity = state.settings.resources[resource] ?? 1;
      if (count <= capacity) return [];
      const text = `task ${spec.id} asks for ${count} of ${resource}, and there are ${capacity}`;
      return [problemIn(`claims.resources.${resource}`, text)];
    }),
  );
}

function cyclic(cycle: readonly TaskId[]): Decision {
  const text = `these tasks wait for each other: ${[...cycle, cycle[0]].join(" → ")}`;
  return rejection("invalid_task", text, [problemIn("after", text)]);
}

/** Peels off tasks without open dependencies (Kahn); whatever is left contains a cycle. */
function findCycle(fresh: readonly Submission[]): TaskId[] | null {
  const specs = new Map(fresh.map(({ spec }) => [spec.id, spec]));
  const inside = (id: TaskId) =>
    [...(specs.get(id)?.after ?? []), ...(specs.get(id)?.after_any ?? [])].filter((other) =>
      left.has(other),
    );
  const left = new Set(specs.keys());
  const open = new Map([...left].map((id) => [id, inside(id).length]));
  const dependents = new Map<TaskId, TaskId[]>();
  for (const id of left)
    for (const other of inside(id)) dependents.set(other, [...(dependents.get(other) ?? []), id]);
  const free = [...left].filter((id) => open.get(id) === 0);
  for (const id of free) {
    left.delete(id);
    for (const dependent of dependents.get(id) ?? []) {
      const count = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, count);
      if (count === 0) free.push(dependent);
    }
  }
  return left.size === 0 ? null : walkCycle(left, inside);
}

function walkCycle(left: ReadonlySet<TaskId>, inside: (id: TaskId) => TaskId[]): TaskId[] {
  const path: TaskId[] = [];
  for (let id = [...left][0]; id !== undefined; id = inside(id)[0]) {
    const seen = path.indexOf(id);
    if (seen >= 0) return path.slice(seen);
    path.push(id);
  }
  return path;
}
