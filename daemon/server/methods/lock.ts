import { FailureError, failure } from "../../../ipc/errors.ts";
import { flag, record } from "../params.ts";
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
  const wait = flag(params, "wait");
  const { wait: _wait, ...sent } = record(params);
  const { checkHoldRequest } = await import("../../../ipc/holdCheck.ts");
  const checked = checkHoldRequest(sent);
  if (!checked.ok) throw new FailureError(checked.failure);
  const claims = await context.holds.completeClaims(checked.value.claims);
  const request = { ...checked.value, claims };
  const { id, owner } = request;
  // Listens before it asks, so that no grant falls between the two.
  const granted = grantOf(id, context, session);
  try {
    const { fence } = settle(await context.ask({ type: "lock", request, wait }), "hold");
    context.holds.watch(id, owner);
    context.holds.attach(id, session.signal);
    const marker = context.holds.marker(id);
    const heartbeat_ms = context.holds.heartbeatMs();
    return { hold: id, fence: fence ?? (await granted.fence), marker, heartbeat_ms };
  } finally {
    granted.stop();
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
  const how = because === "broken" ? "was broken by a person" : "is not waited for any more";
  return new FailureError(failure("refused", `${hold} ${how}`));
}
