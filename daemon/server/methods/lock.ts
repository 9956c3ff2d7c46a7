import { FailureError, failure } from "../../../ipc/errors.ts";
import { flag, holdId, record } from "../params.ts";
import { settle } from "../decision.ts";
import type { HoldId } from "../../../ipc/ids.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";
import type { Session } from "../session.ts";

/** Answers when the claims are held. A client that is gone by then has its owner looked at. */
export async function lock(
  params: unknown,
  context: ServerContext,
  session: Session,
): Promise<Methods["lock"]["result"]> {
  const id = holdId(params, "id");
  // Listens before it asks, so that no grant falls between the two.
  const granted = grantOf(id, context, session);
  try {
    const { fence } = await context.holds.arrive(id, () => request(params, context, session));
    const marker = context.holds.marker(id);
    const heartbeat_ms = context.holds.heartbeatMs();
    return { hold: id, fence: fence ?? (await granted.fence), marker, heartbeat_ms };
  } finally {
    granted.stop();
  }
}

/** Resolves when it is written down, granted or not. */
async function request(
  params: unknown,
  context: ServerContext,
  session: Session,
): Promise<{ readonly fence: number | null }> {
  const wait = flag(params, "wait");
  const { wait: _wait, ...sent } = record(params);
  const { checkHoldRequest } = await import("../../../ipc/holdCheck.ts");
  const checked = checkHoldRequest(sent);
  if (!checked.ok) throw new FailureError(checked.failure);
  const claims = await context.holds.completeClaims(checked.value.claims);
  // Whoever is gone by now has sent it again, on another connection, or wants it no more.
  session.signal.throwIfAborted();
  const { id, owner } = checked.value;
  // Before it is asked for: the watch ends with the hold, which may be at once.
  const isNew = context.holds.watch(id, owner);
  try {
    const asked = { type: "lock", request: { ...checked.value, claims }, wait } as const;
    const decided = settle(await context.ask(asked), "hold");
    context.holds.attach(id, session.signal);
    return decided;
  } catch (error) {
    // Refused to somebody else, it is its owner's as before.
    if (isNew) context.holds.forget(id);
    throw error;
  }
}

type Grant = { readonly fence: Promise<number>; readonly stop: () => void };

/** The fence once it is granted; rejects when it ends before, or the client has gone. */
function grantOf(hold: HoldId, context: ServerContext, session: Session): Grant {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  promise.catch(() => {});
  const listener = context.hub.listen((events) => {
    for (const { name, detail, seq } of events) {
      if (detail["hold"] !== hold) continue;
      if (name === "lock:granted") resolve(seq);
      if (name === "lock:ended") reject(endedWaiting(hold, detail["because"]));
    }
  });
  const gone = () => reject(session.signal.reason as Error);
  session.signal.addEventListener("abort", gone, { once: true });
  return {
    fence: promise,
    stop: () => {
      listener.stop();
      session.signal.removeEventListener("abort", gone);
    },
  };
}

function endedWaiting(hold: HoldId, because: unknown): FailureError {
  if (because === "owner_hung")
    return new FailureError(
      failure("withdrawn", `${hold} gave no sign of life for too long and lost its place`),
    );
  const how = because === "broken" ? "was broken by a person" : "is not waited for any more";
  return new FailureError(failure("refused", `${hold} ${how}`));
}
