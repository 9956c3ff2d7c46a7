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
  const places = new Map(submissions.map(({ spec }, index) => [spec.id, index]));
  for (const submission of submissions) {
    const { id } = submission.spec;
    const digest = own.get(id) ?? digestOf(state, id);
    if (digest !== null && digest !== submission.digest) return taken(submission, places);
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
  const problems = [
    ...unknownDependencies(state, fresh, own, places),
    ...impossible(state, fresh, places),
  ];
  const first = problems[0];
  if (first !== undefined) return rejection("invalid_task", first.message, problems);
  const cycle = findCycle(fresh);
  if (cycle !== null) return cyclic(cycle, fresh, places);
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

function taken(submission: Submission, places: Places): Decision {
  const { id } = submission.spec;
  return rejection("id_taken", `there is a task ${id} already, and it asks for something else`, [
    problemIn(fieldOf(submission, "id", places), `${id} is taken by a task with another spec`),
  ]);
}

function unknownDependencies(
  state: State,
  fresh: readonly Submission[],
  own: ReadonlyMap<TaskId, string>,
  places: Places,
): Problem[] {
  return fresh.flatMap((submission) =>
    (["after", "after_any"] as const).flatMap((list) =>
      submission.spec[list].flatMap((id, index) => {
        if (own.has(id) || digestOf(state, id) !== null) return [];
        const text = `task ${submission.spec.id} comes after ${id}, and there is no task ${id}`;
        return [problemIn(fieldOf(submission, `${list}[${index}]`, places), text)];
      }),
    ),
  );
}

/** Among the tasks in the order they were submitted, so that whoever has the file can point at it. */
function fieldOf({ spec }: Submission, field: string, places: Places): string {
  return `tasks[${places.get(spec.id)}].${field}`;
}

type Places = ReadonlyMap<TaskId, number>;

/** More of a resource than there is: such a task could never start. */
function impossible(state: State, fresh: readonly Submission[], places: Places): Problem[] {
  return fresh.flatMap((submission) =>
    Object.entries(submission.spec.claims?.resources ?? {}).flatMap(([resource, count]) => {
      const capacity = state.settings.resources[resource] ?? 1;
      if (count <= capacity) return [];
      const text = `task ${submission.spec.id} asks for ${count} of ${resource}, and there are ${capacity}`;
      return [problemIn(fieldOf(submission, `claims.resources.${resource}`, places), text)];
    }),
  );
}

function cyclic(cycle: readonly TaskId[], fresh: readonly Submission[], places: Places): Decision {
  const text = `these tasks wait for each other: ${[...cycle, cycle[0]].join(" → ")}`;
  const problems = fresh
    .filter(({ spec }) => spec.id === cycle[0])
    .map((first) => {
      const list = first.spec.after.some((id) => cycle.includes(id)) ? "after" : "after_any";
      return problemIn(fieldOf(first, list, places), text);
    });
  return rejection("invalid_task", text, problems);
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
