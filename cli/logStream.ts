import { FailureError } from "../ipc/errors.ts";
import type { LogsQuery, LogsView } from "../ipc/logsView.ts";
import { makeBell } from "./bell.ts";
import type { Bell } from "./bell.ts";
import type { Session, Supervisor } from "./session.ts";

const redialMs = 60_000;
const pollMs = 250;

type Query = Omit<LogsQuery, "offset">;

/** How a log came to its end here: all of it, all of one that is empty, what there is of a live one, or Ctrl-C. */
export type LogEnd = "whole" | "empty" | "live" | "interrupted";

/**
 * Prints a log from its beginning, byte by byte as the agent wrote it (with `--json`: one document a
 * piece, as text). With `follow` it waits for the first attempt and goes on until that has ended.
 */
export async function printLog(session: Session, query: Query, follow: boolean): Promise<LogEnd> {
  const client = await session.connect(follow ? { timeoutMs: redialMs } : false);
  const bell = makeBell();
  const stopListening = follow ? session.terminal.onInterrupt(() => bell.close()) : () => undefined;
  try {
    return await printPieces(session, client, query, follow ? bell : null);
  } finally {
    stopListening();
  }
}

async function printPieces(
  session: Session,
  client: Supervisor,
  query: Query,
  bell: Bell | null,
): Promise<LogEnd> {
  const decoder = new TextDecoder();
  let { attempt } = query;
  for (let offset = 0; bell === null || !bell.isClosed();) {
    const view = await nextPiece(client, { ...query, attempt, offset }, bell !== null);
    if (view !== null) {
      print(session, query, view, offset, decoder);
      attempt = view.attempt;
      offset = view.next_offset;
      if (offset < view.size) continue;
      if (!view.live) return offset === 0 ? "empty" : "whole";
      if (bell === null) return "live";
    }
    await bell?.wait(pollMs);
  }
  return "interrupted";
}

/** `null`: there is no attempt yet, and following means to wait for one. */
async function nextPiece(
  client: Supervisor,
  query: LogsQuery,
  follow: boolean,
): Promise<LogsView | null> {
  try {
    return await client.call("logs", query);
  } catch (error) {
    if (!(error instanceof FailureError) || error.failure.code !== "not_found") throw error;
    if (!follow || query.attempt !== null) throw error;
    const task = await client.call("show", { id: query.id });
    if (task.status !== "queued" && task.status !== "running") throw error;
    return null;
  }
}

function print(
  session: Session,
  query: Query,
  view: LogsView,
  offset: number,
  decoder: InstanceType<typeof TextDecoder>,
): void {
  if (view.chunk.length === 0) return;
  if (!session.json) return session.terminal.out.write(view.chunk);
  const text = decoder.decode(view.chunk, { stream: true });
  session.printJson({ attempt: view.attempt, stream: query.stream, offset, text });
}
