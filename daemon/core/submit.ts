import { inDependencyOrder } from "./dependencies.ts";
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
  if (fresh.length > 0 && open + fresh.length > state.settings.tasksOpenMax)
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

function findCycle(fresh: readonly Submission[]): TaskId[] | null {
  const { cyclic } = inDependencyOrder(fresh.map(({ spec }) => spec));
  if (cyclic.size === 0) return null;
  const specs = new Map(fresh.map(({ spec }) => [spec.id, spec]));
  const path = new Set<TaskId>();
  let id: TaskId | undefined = [...cyclic][0];
  while (id !== undefined && !path.has(id)) {
    path.add(id);
    const spec = specs.get(id);
    id = [...(spec?.after ?? []), ...(spec?.after_any ?? [])].find((other) => cyclic.has(other));
  }
  const seen = [...path];
  return seen.slice(id === undefined ? 0 : seen.indexOf(id));
}
