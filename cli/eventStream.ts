import { FailureError } from "../ipc/errors.ts";
import type { EventView } from "../ipc/eventView.ts";
import { makeBell } from "./bell.ts";
import type { Session } from "./session.ts";

type OnEvent = (event: EventView) => void;

const redialMs = 60_000;
/** For events that are in the journal but not shown: silence this long means that all were told. */
const silenceMs = 500;

/**
 * Every kept event after `from`, up to the newest at the moment of asking. A subscription has no end
 * of its own, so a second connection asks first how far it is.
 */
export async function printKeptEvents(
  session: Session,
  from: number,
  onEvent: OnEvent,
): Promise<void> {
  const probe = await session.connect();
  const { seq: newest } = await probe.call("events", { from_seq: null });
  await probe.close();
  if (newest <= from) return;
  const client = await session.connect();
  const bell = makeBell();
  let told = from;
  void client.closed.then(() => bell.close());
  await client.subscribe(from, (event) => {
    if (event.seq <= newest) onEvent(event);
    told = event.seq;
    bell.ring();
  });
  for (let before = -1; told < newest && told !== before && !bell.isClosed();) {
    before = told;
    await bell.wait(silenceMs);
  }
}

/** Events after `from` (`null`: from now on) until Ctrl-C. Rejects when the supervisor stays away. */
export async function followEvents(
  session: Session,
  from: number | null,
  onEvent: OnEvent,
): Promise<void> {
  const client = await session.connect({ timeoutMs: redialMs });
  const { promise, resolve } = Promise.withResolvers<null>();
  const stopListening = session.terminal.onInterrupt(() => resolve(null));
  try {
    await client.subscribe(from, onEvent);
    const reason = await Promise.race([promise, client.closed]);
    if (reason !== null) throw new FailureError(reason);
  } finally {
    stopListening();
  }
}
