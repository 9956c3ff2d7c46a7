import { countOrNull } from "../params.ts";
import type { EventView, Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";
import type { Session } from "../session.ts";

const pageEvents = 1_000;

/**
 * From now on `event` notifications come on this connection, first those since `from_seq`. What
 * happens while the past is being read waits behind it, so the order is that of the journal.
 */
export async function events(
  params: unknown,
  context: ServerContext,
  session: Session,
): Promise<Methods["events"]["result"]> {
  const from = countOrNull(params, "from_seq", Number.MAX_SAFE_INTEGER);
  const waiting: EventView[] = [];
  let live = false;
  const listener = context.hub.listen((batch) => {
    if (live) for (const event of batch) session.notify("event", event);
    else waiting.push(...batch);
  });
  session.signal.addEventListener("abort", () => listener.stop(), { once: true });
  const now = await context.read((state) => state.seq);
  // After the answer, so that the client knows its subscription before the first event comes.
  setImmediate(() => {
    void sendPast(from, now, context, session).then(() => {
      for (const event of waiting) if (event.seq > now) session.notify("event", event);
      live = true;
    });
  });
  return { seq: now };
}

async function sendPast(
  from: number | null,
  until: number,
  context: ServerContext,
  session: Session,
): Promise<void> {
  if (from === null) return;
  for (let next = from; next <= until && !session.signal.aborted;) {
    const page = await context.eventsSince(next, pageEvents);
    for (const event of page) if (event.seq <= until) session.notify("event", event);
    await session.drained();
    const last = page.at(-1);
    if (last === undefined) return;
    next = last.seq + 1;
  }
}
