import { parkedOf } from "./parked.ts";
import { pathsOutside, writesEverything } from "./claims.ts";
import { rejection } from "./failures.ts";
import type { Apply } from "./decide.ts";
import type { Command, Decision } from "./commands.ts";
import type { State, Task } from "./state.ts";

/**
 * A parked task lands what a person made of it, as any saved work lands:
 *
 *     failed (parked) ─resolve─► landing ─► succeeded
 *        ▲                          │
 *        └── conflict, red, held ◄──┘   it never runs again by itself, and may be resolved once more
 *
 * Others may hold by now what it declares. So it takes its claims as undeclared work does: on the paths
 * that the resolution touches, when it lands, behind those who hold them.
 */
export function resolveTask(
  state: State,
  command: Extract<Command, { type: "resolve" }>,
  apply: Apply,
): Decision {
  const { task: id, request, saved, archived } = command;
  if (!state.tasks.has(id) && !state.finals.has(id))
    return rejection("not_found", `there is no task ${id}`);
  const task = state.tasks.get(id) ?? archived;
  if (task === null) return rejection("busy", `task ${id} is just being moved out of memory`);
  // Sent again by somebody who had no answer.
  if (task.resolutions?.includes(request) === true) return changed([]);
  const refused = whyNotResolvable(task) ?? whyOutside(state, task, command);
  if (refused !== null) return refused;
  apply({ type: "TaskResolved", task: id, request, saved, stored: task });
  return changed([task]);
}

/** `null`: its work is parked, and a person may resolve it. */
export function whyNotResolvable(task: Task): ReturnType<typeof rejection> | null {
  if (parkedOf(task) !== null) return null;
  const { id, life } = task;
  const why =
    life.status === "failed" ? "failed for another reason than a conflict" : `is ${life.status}`;
  return rejection("wrong_status", `task ${id} is not parked: it ${why}`);
}

function whyOutside(
  { settings }: State,
  { id, spec: { claims } }: Task,
  { saved }: Extract<Command, { type: "resolve" }>,
): ReturnType<typeof rejection> | null {
  if (settings.outsideClaims !== "fail" || claims === null || writesEverything(claims.writes))
    return null;
  const [first] = pathsOutside(saved.touched, claims.writes);
  const unknown = saved.touched_total > saved.touched.length ? "more than can be listed" : null;
  const outside = first ?? unknown;
  if (outside === null) return null;
  return rejection("refused", `the resolution of ${id} changes what it does not claim: ${outside}`);
}

function changed(tasks: readonly Task[]): Decision {
  return { ok: true, answer: { of: "change", changed: tasks.map(({ id }) => id) } };
}
