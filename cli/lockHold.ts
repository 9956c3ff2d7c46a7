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
  /** Called when it was silent for so long that it waits behind all others now. */
  readonly onPlaceLost: () => void;
};

/** Somebody at a terminal wonders by then. */
const tellAfterMs = 300;
const releaseMsMax = 2_000;
/** When the supervisor cannot be asked how often it wants to hear of us. */
const unansweredBeatMs = 1_000;

/**
 * Rejects with a `FailureError`: `busy` when it is not free (in time), `refused` when it was broken
 * meanwhile. A process that stood still for so long that it lost its place asks again.
 */
export async function takeLock(client: Supervisor, wish: LockWish): Promise<Lock> {
  const until = wish.timeoutMs === null ? null : performance.now() + wish.timeoutMs;
  for (;;)
    try {
      const timeoutMs = until === null ? null : Math.max(0, until - performance.now());
      return await askForLock(client, { ...wish, timeoutMs });
    } catch (error) {
      const isPlaceLost = error instanceof FailureError && error.failure.code === "withdrawn";
      if (!isPlaceLost) throw error;
      wish.onPlaceLost();
    }
}

async function askForLock(client: Supervisor, wish: LockWish): Promise<Lock> {
  const { claims, note, wait, timeoutMs } = wish;
  const hold = mintHoldId();
  const owner = ownIdentity();
  const asked = client.call("lock", { id: hold, claims, owner, note, wait });
  const lost = Promise.withResolvers<void>();
  let isGranted = false;
  const beats = beatOften(async () => {
    const wasGranted = isGranted;
    const { held, heartbeat_ms } = await client.call("keep", { hold });
    if (wasGranted && !held) lost.resolve();
    return heartbeat_ms;
  });
  const telling = setTimeout(() => void tell(client, hold, wish.onWaiting), tellAfterMs);
  try {
    const { fence, marker } = await inTime(asked, timeoutMs);
    isGranted = true;
    const release = async (): Promise<void> => {
      beats.stop();
      await inTime(client.call("unlock", { hold, owner }), releaseMsMax).catch(() => {});
    };
    return { hold, fence, marker, lost: lost.promise, release };
  } catch (error) {
    beats.stop();
    await inTime(client.call("unlock", { hold, owner }), releaseMsMax).catch(() => {});
    // Sent again over a new connection the request may come after that, and be granted to nobody.
    asked.then(() => client.call("unlock", { hold, owner })).catch(() => {});
    throw error;
  } finally {
    clearTimeout(telling);
  }
}

/** Signs of life, one after the other. @param beat gives one, and tells after how many milliseconds the next is wanted */
function beatOften(beat: () => Promise<number>): { readonly stop: () => void } {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const goOn = async (): Promise<void> => {
    // Without a supervisor nobody counts; the next beat finds it.
    const pauseMs = await beat().catch(() => unansweredBeatMs);
    if (!isStopped) timer = setTimeout(() => void goOn(), pauseMs);
  };
  void goOn();
  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
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
