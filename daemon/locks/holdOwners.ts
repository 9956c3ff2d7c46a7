import { endMarked } from "../../system/processTree.ts";
import { holdMarker } from "../../system/marker.ts";
import { judge } from "../../system/processIdentity.ts";
import { signalProcess } from "../../system/processFamily.ts";
import type { HoldEnd, HoldOwner } from "../../ipc/hold.ts";
import type { Clock, Timer } from "../../system/clock.ts";
import type { HoldId } from "../../ipc/ids.ts";

/**
 * The processes that holds belong to. A hold never ends before its process has, nor before everything
 * is gone that the process ran under it: what is killed cannot wake up and go on.
 *
 *     connected ─connection lost─► looked at, often at first ─process gone─► swept ─► free
 *         └──no sign of life for stale_after──► killed, waited for ─────────────▲
 *         └──broken by a person──► asked to end, then killed, waited for ───────┘
 *
 * Who only waits runs nothing under its hold yet, so it is not killed for silence (a terminal's Ctrl-Z,
 * say): it loses its place, and is told so when it goes on.
 *
 * Signs of life are counted by the monotonic clock, and start anew after the machine has slept. Of a
 * process on another host or in another PID namespace nothing can be told: its hold ends when it says
 * so, or when a person breaks it.
 */
export type HoldOwnersOptions = {
  readonly repositoryId: string;
  readonly staleAfterMs: () => number;
  readonly graceMs: () => number;
  readonly clock: Clock;
  /** Ends a hold that is not granted. Resolves with `true` when it is, and goes on. */
  readonly giveUpWaiting: (hold: HoldId) => Promise<boolean>;
  readonly onEnded: (hold: HoldId, because: HoldEnd) => void;
  readonly onProblem: (hold: HoldId, message: string) => void;
};

type Watched = {
  readonly owner: HoldOwner;
  /** Each with what stops listening to it. */
  readonly connections: Map<AbortSignal, () => void>;
  beatAt: number;
  ending: boolean;
  isReported: boolean;
};

const checkMs = 500;
/** A gap between two checks that is longer means that the machine (or this process) stood still. */
const suspendGapMs = 5 * checkMs;
/** When a connection is lost its process is usually about to be gone: looked at after these pauses. */
const looksMs = [0, 5, 10, 20, 40, 80, 160, 320] as const;
const killedMsMax = 5_000;

export class HoldOwners {
  readonly #options: HoldOwnersOptions;
  readonly #watched = new Map<HoldId, Watched>();
  readonly #timers = new Set<Timer>();
  #lastCheck: number;
  #isChecking = false;
  #closed = false;

  constructor(options: HoldOwnersOptions) {
    this.#options = options;
    this.#lastCheck = options.clock.monotonicMs();
  }

  /** From now on the hold depends on this process; false, and without effect, the second time. */
  watch(hold: HoldId, owner: HoldOwner): boolean {
    if (this.#closed || this.#watched.has(hold)) return false;
    const beatAt = this.#options.clock.monotonicMs();
    const watched = {
      owner,
      connections: new Map<AbortSignal, () => void>(),
      beatAt,
      ending: false,
      isReported: false,
    };
    this.#watched.set(hold, watched);
    this.#lookSoon(hold, watched, 0);
    if (!this.#isChecking) {
      this.#isChecking = true;
      this.#lastCheck = beatAt;
      this.#checkLater();
    }
    return true;
  }

  /** Its process is connected until the signal aborts; without effect the second time. */
  attach(hold: HoldId, connection: AbortSignal): void {
    const watched = this.#watched.get(hold);
    if (watched === undefined || watched.connections.has(connection)) return;
    const lost = (): void => {
      watched.connections.delete(connection);
      this.#lookSoon(hold, watched, 0);
    };
    watched.connections.set(connection, () => connection.removeEventListener("abort", lost));
    if (connection.aborted) lost();
    else connection.addEventListener("abort", lost, { once: true });
  }

  /** A sign of life. */
  beat(hold: HoldId): void {
    const watched = this.#watched.get(hold);
    if (watched !== undefined) watched.beatAt = this.#options.clock.monotonicMs();
  }

  /** Milliseconds since the last sign of life; `null` of a hold that is not watched. */
  ageMs(hold: HoldId): number | null {
    const watched = this.#watched.get(hold);
    return watched === undefined ? null : this.#options.clock.monotonicMs() - watched.beatAt;
  }

  /** A person wants it free: its process is asked to end, then killed. */
  break({ id, owner }: { readonly id: HoldId; readonly owner: HoldOwner | null }): void {
    if (owner === null) return this.#options.onEnded(id, "broken");
    this.watch(id, owner);
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    if (judge(owner) === "unknown") return this.#options.onEnded(id, "broken");
    if (signalProcess(owner, "SIGTERM"))
      this.#later(this.#options.graceMs(), () => this.#end(id, watched, "broken"));
    else this.#end(id, watched, "broken");
  }

  forget(hold: HoldId): void {
    // One connection may see thousands of holds come and go.
    for (const stop of this.#watched.get(hold)?.connections.values() ?? []) stop();
    this.#watched.delete(hold);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#watched.clear();
  }

  #lookSoon(hold: HoldId, watched: Watched, look: number): void {
    const pause = looksMs[look];
    if (pause === undefined) return;
    this.#later(pause, () => {
      if (this.#isFree(hold, watched) || watched.connections.size > 0) return;
      if (judge(watched.owner) === "dead") this.#end(hold, watched, "owner_gone");
      else this.#lookSoon(hold, watched, look + 1);
    });
  }

  #checkLater(): void {
    this.#later(checkMs, () => {
      this.#lookAtAll();
      this.#checkLater();
    });
  }

  #lookAtAll(): void {
    const now = this.#options.clock.monotonicMs();
    const slept = now - this.#lastCheck > suspendGapMs;
    this.#lastCheck = now;
    for (const [hold, watched] of this.#watched) {
      if (slept) watched.beatAt = now;
      // A connection that is open proves that its process lives, not that it works.
      const isGone = watched.connections.size === 0 && judge(watched.owner) === "dead";
      if (isGone) this.#end(hold, watched, "owner_gone");
      else if (now - watched.beatAt >= this.#options.staleAfterMs()) this.#endSilent(hold, watched);
    }
  }

  #endSilent(hold: HoldId, watched: Watched): void {
    if (watched.ending) return;
    watched.ending = true;
    this.#options
      .giveUpWaiting(hold)
      .catch((error: unknown) => {
        this.#report(hold, watched, String(error));
        return false;
      })
      .then((isGranted) => {
        watched.ending = false;
        if (isGranted) this.#end(hold, watched, "owner_hung");
      })
      // Ending it reports for itself.
      .catch(() => {});
  }

  #end(hold: HoldId, watched: Watched, because: HoldEnd): void {
    if (watched.ending || this.#isFree(hold, watched)) return;
    watched.ending = true;
    void this.#endOwner(hold, watched)
      .then((gone) => {
        if (gone && !this.#isFree(hold, watched)) this.#options.onEnded(hold, because);
      })
      .catch((error: unknown) => this.#report(hold, watched, String(error)))
      // Whatever it was, the next look tries again.
      .finally(() => (watched.ending = false));
  }

  /** True when nothing is left of the process and of what it ran. */
  async #endOwner(hold: HoldId, watched: Watched): Promise<boolean> {
    const { owner } = watched;
    if (judge(owner) === "unknown") {
      this.#report(hold, watched, "its process cannot be judged from here; it stays held");
      return false;
    }
    const { clock } = this.#options;
    const until = clock.monotonicMs() + killedMsMax;
    while (judge(owner) === "alive") {
      signalProcess(owner, "SIGKILL");
      if (clock.monotonicMs() > until) {
        this.#report(hold, watched, `process ${owner.pid} cannot be killed; it stays held`);
        return false;
      }
      await new Promise<void>((resolve) => {
        this.#later(2, resolve);
      });
    }
    const marker = holdMarker(hold, this.#options.repositoryId);
    const { left } = await endMarked(marker, {
      graceMs: 0,
      sharesGroups: true,
      since: owner.startTime,
    });
    if (left > 0) this.#report(hold, watched, `${left} processes cannot be ended; it stays held`);
    return left === 0;
  }

  #report(hold: HoldId, watched: Watched, message: string): void {
    if (watched.isReported) return;
    watched.isReported = true;
    this.#options.onProblem(hold, message);
  }

  #isFree(hold: HoldId, watched: Watched): boolean {
    return this.#closed || this.#watched.get(hold) !== watched;
  }

  #later(pauseMs: number, step: () => void): void {
    if (this.#closed) return;
    const timer = this.#options.clock.setTimer(pauseMs, () => {
      this.#timers.delete(timer);
      step();
    });
    this.#timers.add(timer);
  }
}
