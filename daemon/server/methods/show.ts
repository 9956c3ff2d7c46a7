import { FailureError, failure } from "../../../ipc/errors.ts";
import { heartbeatsOf } from "../views/status.ts";
import { taskId } from "../params.ts";
import { taskRow, taskView } from "../views/task.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";
import type { State, Task } from "../../core/state.ts";
import type { TaskView } from "../../../ipc/taskViews.ts";
import type { TaskId } from "../../../ipc/ids.ts";

export async function show(
  params: unknown,
  context: ServerContext,
): Promise<Methods["show"]["result"]> {
  const id = taskId(params, "id");
  const viewOf = (state: State, task: Task) => {
    const heartbeats = heartbeatsOf(context.workers());
    const row = taskRow(state, task, context.wallMs(), heartbeats, context.shortage());
    return taskView(row, task, state, context);
  };
  const view = await context.read((state) => {
    const task = state.tasks.get(id);
    return task === undefined ? null : viewOf(state, task);
  });
  if (view !== null) return await withWhatIsKept(view, context);
  const stored = await findStored(id, context);
  return await withWhatIsKept(await context.read((state) => viewOf(state, stored)), context);
}

async function withWhatIsKept(view: TaskView, context: ServerContext): Promise<TaskView> {
  const { parked } = view;
  if (parked === null) return view;
  if (!(await context.hasRef(parked.ref))) return { ...view, parked: { ...parked, kept: false } };
  return { ...view, parked: { ...parked, ...(await context.roomFor(view.id)) } };
}

/** A task that is final and has left the memory. Throws `not_found`. */
export async function findStored(id: TaskId, context: ServerContext): Promise<Task> {
  const stored = await context.readTask(id);
  if (stored === null) throw new FailureError(failure("not_found", `there is no task ${id}`));
  return stored;
}
