import { exitCodes, failure, FailureError } from "../ipc/errors.ts";
import type { TaskId } from "../ipc/ids.ts";
import type { EndView } from "../ipc/taskViews.ts";
import type { TargetView } from "../ipc/landingViews.ts";
import { formatDuration } from "../ipc/duration.ts";
import { makeBell } from "./bell.ts";
import type { Bell } from "./bell.ts";
import { liveLine } from "./live.ts";
import { behindSentence } from "./render/landing.ts";
import { allSucceeded, endLines } from "./render/outcomes.ts";
import { progressLine } from "./render/progress.ts";
import { listed, plural } from "./render/text.ts";
import type { Session, Supervisor } from "./session.ts";
import { tellStandstill } from "./standstill.ts";
import { interruptedExit } from "./terminal.ts";

/**
 * Waits for tasks to end, with a line of progress where a person looks on. Ctrl-C ends the waiting,
 * never the tasks. A supervisor that is restarted meanwhile is dialled again.
 */
const redialMs = 60_000;
const refreshMs = 1_000;
const progressRowsMax = 1_000;

type End =
  | { readonly kind: "ended"; readonly tasks: readonly EndView[]; readonly target: TargetView }
  | { readonly kind: "interrupted" }
  | { readonly kind: "late" };

/** Prints how they ended; returns 0, 1 when one did not succeed, 130 when interrupted. */
export async function waitAndTell(
  session: Session,
  ids: readonly TaskId[],
  timeoutMs: number | null = null,
): Promise<number> {
  const client = await session.connect({ timeoutMs: redialMs });
  const end = await firstEnd(session, client, ids, timeoutMs);
  if (end.kind === "interrupted") {
    const goesOn = ids.length === 1 ? "goes on" : "go on";
    session.remark(
      `No longer waiting; ${listed(ids, 3)} ${goesOn}. \`orchd status\` shows how far.`,
    );
    return interruptedExit;
  }
  if (end.kind === "late") throw new FailureError(lateFailure(ids, timeoutMs ?? 0));
  const { tasks, target } = end;
  if (session.json) session.printJson({ tasks, target });
  else for (const line of endLines(tasks, session.look())) session.print(line);
  if (target.behind && tasks.some(({ commit }) => commit !== null))
    session.remark(`${behindSentence(target)}.`);
  const failed = end.tasks.find((task) => task.status === "failed");
  if (failed !== undefined) session.remark(whereToLook(failed));
  return allSucceeded(end.tasks) ? exitCodes.done : exitCodes.taskFailed;
}

/** What one wants to read next: output of its own, that of the checks, or how to resolve a conflict. */
function whereToLook({ id, reason }: EndView): string {
  switch (reason?.kind) {
    case "gate":
    case "generation":
      return `\`orchd show ${id}\` tells what the command printed.`;
    case "conflict":
      return `\`orchd show ${id}\` prints the commands that resolve it.`;
    default:
      return `\`orchd logs ${id}\` prints its output, \`orchd show ${id}\` the rest.`;
  }
}

async function firstEnd(
  session: Session,
  client: Supervisor,
  ids: readonly TaskId[],
  timeoutMs: number | null,
): Promise<End> {
  const { promise, resolve } = Promise.withResolvers<End>();
  const stopListening = session.terminal.onInterrupt(() => resolve({ kind: "interrupted" }));
  const timer = timeoutMs === null ? null : setTimeout(() => resolve({ kind: "late" }), timeoutMs);
  const ended = client.call("wait", { ids }).then((end): End => ({ kind: "ended", ...end }));
  // When something else comes first, its rejection at the close is of no interest.
  ended.catch(() => undefined);
  try {
    return await withProgress(session, client, ids, Promise.race([ended, promise]));
  } finally {
    stopListening();
    if (timer !== null) clearTimeout(timer);
  }
}

async function withProgress(
  session: Session,
  client: Supervisor,
  ids: readonly TaskId[],
  end: Promise<End>,
): Promise<End> {
  const { err } = session.terminal;
  if (session.json) return await end;
  using line = err.isTerminal ? liveLine(err) : null;
  const bell = makeBell();
  const telling =
    line === null
      ? tellStandstill(session, client, bell)
      : drawProgress(session, client, new Set(ids), bell, (text) => line.draw(text));
  try {
    return await end;
  } finally {
    bell.close();
    await telling;
  }
}

async function drawProgress(
  session: Session,
  client: Supervisor,
  ids: ReadonlySet<TaskId>,
  bell: Bell,
  draw: (text: string) => void,
): Promise<void> {
  const query = { open_max: progressRowsMax, finished_max: progressRowsMax };
  while (!bell.isClosed()) {
    const answer = client.call("status", query).catch(() => null);
    const view = await Promise.race([answer, bell.closed]);
    if (bell.isClosed()) return;
    draw(
      view === null
        ? "The supervisor does not answer; trying again."
        : progressLine(view, ids, session.terminal.now()),
    );
    await bell.wait(refreshMs);
  }
}

function lateFailure(ids: readonly TaskId[], timeoutMs: number): FailureError["failure"] {
  const tasks = ids.length === 1 ? `${ids[0]} has` : `Some of ${plural(ids.length, "task")} have`;
  const message = `${tasks} not ended within ${formatDuration(timeoutMs)}.`;
  return failure("limit", message, {
    hint: "The waiting is over, the work is not: `orchd status`.",
  });
}
