import { unreachable } from "../ipc/errors.ts";
import type { Command } from "./core/commands.ts";
import type { Clock, Timer } from "../system/clock.ts";
import type { PushEffect } from "./core/effects.ts";
import type { OutboxView } from "../ipc/pushView.ts";
import type { PushResult } from "./push/push.ts";

/**
 * When to push what landed (what, the core says: core/push.ts). One push at a time, beside everything
 * else: nothing waits for it.
 *
 *     idle ──want──► quiet ──`quietMs`, or `every` have landed──► pushing ──pushed──► idle
 *                                                                 ▲  │
 *                                       again at once (tryNow) or │  │ held, failed
 *                                       after a growing pause     └─ waiting
 *
 * What is pushed is read when the push begins, so it has all that landed by then, and nothing that is
 * not durable.
 */
export type OutboxPorts = {
  /** What is to be pushed now, of what is durable; `null`: nothing. May never answer when the journal is broken. */
  readonly wish: () => Promise<PushEffect | null>;
  readonly push: (wish: PushEffect, signal: AbortSignal) => Promise<PushResult>;
  /** A person may have done what was asked of them: their branch is looked at. */
  readonly takeIn: () => Promise<void>;
  readonly tell: (command: Command, durable?: () => void) => void;
  readonly settings: () => { readonly quietMs: number; readonly every: number };
  readonly setTimer: Clock["setTimer"];
  readonly wallMs: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly die: (reason: unknown) => void;
};

const firstRetryMs = 5_000;
/** After a failure: a server may be away for a night. */
const failedRetryMsMax = 10 * 60 * 1000;
/** While a person is to act: what they did is found soon. */
const heldRetryMsMax = 60_000;

export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #stop = new AbortController();
  #state: OutboxView["state"] = "idle";
  #timer: Timer | null = null;
  #nextTryAt: number | null = null;
  /** In a row; and how the last one ended. */
  #failures = 0;
  #isHeld = false;
  #trying: Promise<void> = Promise.resolve();
  /** The push alone; nobody waits for the journal. */
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
  }

  /** Something is to be pushed. */
  want({ commits }: Pick<PushEffect, "commits">): void {
    if (this.#stop.signal.aborted || this.#state === "pushing" || this.#state === "waiting") return;
    const { quietMs, every } = this.#ports.settings();
    if (commits >= every) return this.#begin();
    if (this.#state === "quiet") return;
    this.#state = "quiet";
    this.#timer = this.#ports.setTimer(quietMs, () => this.#begin());
  }

  /** A person asks: what waits for its time is tried now. */
  tryNow(): void {
    if (this.#state === "waiting" || this.#state === "quiet") this.#begin();
  }

  /**
   * What is left is tried once more, before an end that nobody hurries: resolves when that try has ended,
   * well or badly, or when there is nothing to push. May not resolve where the journal is broken.
   */
  async lastTry(): Promise<void> {
    await this.#trying;
    if (this.#stop.signal.aborted || (await this.#ports.wish()) === null) return;
    if (this.#state !== "pushing") this.#begin();
    await this.#trying;
  }

  view(): OutboxView {
    return { state: this.#state, nextTryAt: this.#nextTryAt };
  }

  /** Ends the push under way. Resolves when none of its processes is left. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#stop.abort();
    await this.#underWay;
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#nextTryAt = null;
    if (this.#stop.signal.aborted) return;
    this.#state = "pushing";
    this.#trying = this.#attempt().catch((error: unknown) => this.#ports.die(error));
  }

  async #attempt(): Promise<void> {
    if (this.#isHeld) await this.#ports.takeIn();
    const wish = await this.#ports.wish();
    if (this.#stop.signal.aborted) return;
    if (wish === null) return this.#rest();
    const pushing = this.#ports.push(wish, this.#stop.signal);
    this.#underWay = pushing.catch(() => undefined);
    this.#ended(wish, await pushing);
  }

  #ended({ place, to, commits }: PushEffect, result: PushResult): void {
    if (this.#stop.signal.aborted) return;
    switch (result.kind) {
      case "pushed":
        this.#rest();
        // More may have landed meanwhile, and nobody was heard who said so.
        return this.#ports.tell({ type: "pushed", place, to, commits }, () => void this.#again());
      case "held":
      case "failed":
        this.#ports.tell({ type: "pushFailed", place, problem: result });
        return this.#later(result.kind);
      default:
        return unreachable(result);
    }
  }

  async #again(): Promise<void> {
    const wish = await this.#ports.wish();
    if (wish !== null) this.want(wish);
  }

  #rest(): void {
    this.#state = "idle";
    this.#failures = 0;
    this.#isHeld = false;
  }

  #later(kind: "held" | "failed"): void {
    const msMax = kind === "held" ? heldRetryMsMax : failedRetryMsMax;
    const ms = Math.min(msMax, firstRetryMs * 2 ** Math.min(this.#failures, 20));
    // Between three quarters and all of it: many that lost the same server do not come back at once.
    const waitMs = Math.round(ms * (0.75 + this.#ports.random() / 4));
    this.#failures += 1;
    this.#isHeld = kind === "held";
    this.#state = "waiting";
    this.#nextTryAt = this.#ports.wallMs() + waitMs;
    this.#timer = this.#ports.setTimer(waitMs, () => this.#begin());
  }
}
