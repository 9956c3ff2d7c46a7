import { countOrNull } from "../params.ts";
import { FailureError, failure } from "../../../ipc/errors.ts";
import type { Failure } from "../../../ipc/errors.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";
import type { Session } from "../session.ts";

const pageEvents = 1_000;

/**
 * From now on `event` notifications come on this connection, first those since `from_seq`. What
 * happens while the past is being read comes from the journal as well: the order is that of the
 * journal, and a client that does not read holds up nothing but itself.
 */
export async function events(
  params: unknown,
  context: ServerContext,
  session: Session,
): Promise<Methods["events"]["result"]> {
  const from = countOrNull(params, "from_seq", Number.MAX_SAFE_INTEGER);
  let live = false;
  let newest = 0;
  const listener = context.hub.listen((batch) => {
    if (live) for (const event of batch) session.notify("event", event);
    else newest = batch.at(-1)?.seq ?? newest;
  });
  session.signal.addEventListener("abort", () => listener.stop(), { once: true });
  const now = await context.read((state) => state.seq);
  newest = Math.max(newest, now);
  const sendPast = async (): Promise<void> => {
    for (let next = from ?? now + 1; next <= newest && !session.signal.aborted;) {
      const page = await context.eventsSince(next, pageEvents);
      // The journal may be ahead of what was published; that is heard later.
      const until = Math.min(page.at(-1)?.seq ?? newest, newest);
      for (const event of page) if (event.seq <= until) session.notify("event", event);
      await session.drained();
      next = until + 1;
    }
    live = true;
  };
  // After the answer, so that the client knows its subscription before the first event comes.
  setImmediate(() => {
    sendPast().catch((error: unknown) =>
      session.end(error instanceof FailureError ? error.failure : unreadable()),
    );
  });
  return { seq: now };
}

function unreadable(): Failure {
  return failure("internal", "The past events cannot be read.");
}
