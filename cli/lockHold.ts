import { failure, FailureError } from "../ipc/errors.ts";
import { mintHoldId } from "../ipc/ids.ts";
import { ownIdentity } from "../system/processIdentity.ts";
import type { ClaimSet } from "../ipc/taskSpec.ts";
import type { HoldId } from "../ipc/ids.ts";
import type { LockView } from "../ipc/claimViews.ts";
import type { Supervisor } from "./session.ts";

/**
 * A lock held by this process: asked for, waited for, kept alive, given back. It survives the end of
 * a supervisor: the next one finds it in the journal, sees that this process lives, and is told so.
 */
export type Lock = {
  readonly hold: HoldId;
  readonly fence: number;
  readonly marker: string;
  /** Resolves when the lock was lost: broken by a person, or given up by a supervisor that thought us hung. */
  readonly lost: Promise<void>;
  /** Gives it back; when no supervisor answers, the end of this process does. */
  readonly release: () => Promise<void>;
};

export type LockWish = {
  readonly claims: ClaimSet;
  readonly note: string;
  /** `false`: granted at once or not at all. */
  readonly wait: boolean;
  readonly timeoutMs: number | null;
  /** Called when it has to be waited for, with those in the way if they are known. */
  readonly onWaiting: (inTheWay: readonly LockView[]) => void;
};

/** Somebody at a terminal wonders by then. */
const tellAfterMs = 300;
const releaseMsMax = 2_000;
/** Until the supervisor has said how often it wants to hear of us; less than the least it can want. */
const waitingBeatMs = 1_000;

/** Rejects with a `FailureError`: `busy` when it is not free (in time), `refused` when it was broken meanwhile. */
export async function takeLock(client: Supervisor, wish: LockWish): Promise<Lock> {
  const { claims, note, wait, timeoutMs } = wish;
  const hold = mintHoldId();
  const asked = client.call("lock", { id: hold, claims, owner: ownIdentity(), note, wait });
  let beats = setInterval(() => void beat(), waitingBeatMs);
  let isBeating = false;
  const lost = Promise.withResolvers<void>();
  async function beat(): Promise<void> {
    if (isBeating) return;
    isBeating = true;
    try {
      const { held } = await client.call("keep", { hold });
      if (isGranted && !held) lost.resolve();
    } catch {
      // The next one says it; without a supervisor nobody counts.
    }
    isBeating = false;
  }
  let isGranted = false;
  const telling = setTimeout(() => void tell(client, hold, wish.onWaiting), tellAfterMs);
  try {
    const { fence, marker, heartbeat_ms } = await inTime(asked, timeoutMs);
    isGranted = true;
    clearInterval(beats);
    beats = setInterval(() => void beat(), heartbeat_ms);
    const release = async (): Promise<void> => {
      clearInterval(beats);
      await inTime(client.call("unlock", { hold }), releaseMsMax).catch(() => {});
    };
    return { hold, fence, marker, lost: lost.promise, release };
  } catch (error) {
    clearInterval(beats);
    await inTime(client.call("unlock", { hold }), releaseMsMax).catch(() => {});
    // Sent again over a new connection the request may come after that, and be granted to nobody.
    asked.then(() => client.call("unlock", { hold })).catch(() => {});
    throw error;
  } finally {
    clearTimeout(telling);
  }
}

async function tell(
  client: Supervisor,
  hold: HoldId,
  onWaiting: LockWish["onWaiting"],
): Promise<void> {
  const { locks } = await client.call("locks", {}).catch(() => ({ locks: [] }));
  onWaiting(locks.filter(({ waiters }) => waiters.includes(hold)));
}

async function inTime<Result>(result: Promise<Result>, timeoutMs: number | null): Promise<Result> {
  if (timeoutMs === null) return await result;
  const timedOut = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => timedOut.reject(new FailureError(failure("busy", "It did not become free in time."))),
    timeoutMs,
  );
  result.catch(() => {});
  try {
    return await Promise.race([result, timedOut.promise]);
  } finally {
    clearTimeout(timer);
  }
}
