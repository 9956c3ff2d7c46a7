import { FailureError, failure } from "../../../ipc/errors.ts";
import { endView } from "../views/task.ts";
import { targetView } from "../views/status.ts";
import { count, record, taskIds } from "../params.ts";
import type { EndView } from "../../../ipc/taskViews.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";
import type { Session } from "../session.ts";
import type { State } from "../../core/state.ts";
import type { TaskId } from "../../../ipc/ids.ts";

/**
 * Answers when every one of the tasks is final, in the order they were named, and the person's branch
 * has followed what landed, or could not.
 */
export async function wait(
  params: unknown,
  context: ServerContext,
  session: Session,
): Promise<Methods["wait"]["result"]> {
  const ids = taskIds(params, "ids");
  const timeoutMs = timeoutOf(params);
  await allFinal(ids, timeoutMs, context, session);
  await context.followTried();
  const { ends, target } = await context.read((state) => ({
    ends: endsOf(state, ids),
    target: targetView(state),
  }));
  return { tasks: await Promise.all(ends.map((end) => complete(end, context))), target };
}

/** As long as a timer can be. */
const timeoutMsMax = 2 ** 31 - 1;

function timeoutOf(params: unknown): number | null {
  const given = record(params)["timeout_ms"] ?? null;
  return given === null ? null : count(params, "timeout_ms", timeoutMsMax);
}

async function allFinal(
  ids: readonly TaskId[],
  timeoutMs: number | null,
  context: ServerContext,
  session: Session,
): Promise<void> {
  const open = new Set(ids);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Listens before it looks, so that no end falls between the two.
  const listener = context.hub.listen((events) => {
    for (const { task, name } of events)
      if (task !== null && finalNames.has(name)) open.delete(task);
    if (open.size === 0) resolve();
  });
  const gone = () => reject(session.signal.reason as Error);
  session.signal.addEventListener("abort", gone, { once: true });
  const late = () => reject(lateFailure(open.size, timeoutMs));
  const timer = timeoutMs === null ? undefined : setTimeout(late, timeoutMs);
  // It may be rejected while the state is looked at.
  promise.catch(() => {});
  try {
    await context.read((state) => {
      for (const id of ids) {
        if (state.finals.has(id)) open.delete(id);
        else if (!state.tasks.has(id))
          throw new FailureError(failure("not_found", `there is no task ${id}`));
      }
    });
    if (open.size > 0) await promise;
  } finally {
    clearTimeout(timer);
    listener.stop();
    session.signal.removeEventListener("abort", gone);
  }
}

function lateFailure(open: number, timeoutMs: number | null): FailureError {
  const message = `${open === 1 ? "a task has" : `${open} tasks have`} not ended within ${timeoutMs} ms`;
  return new FailureError(failure("limit", message));
}

const finalNames = new Set(["task:succeeded", "task:failed", "task:cancelled"]);

function endsOf(state: State, ids: readonly TaskId[]): EndView[] {
  return ids.flatMap((id) => {
    const final = state.finals.get(id);
    return final === undefined ? [] : [endView(id, state.tasks.get(id), final)];
  });
}

/** The reason of a failure that has left the memory comes from the journal. */
async function complete(end: EndView, context: ServerContext): Promise<EndView> {
  if (end.attempts > 0) return end;
  const stored = await context.readTask(end.id);
  if (stored === null) return end;
  const reason = stored.life.status === "failed" ? stored.life.reason : null;
  return { ...end, reason, attempts: stored.attempts.length };
}
