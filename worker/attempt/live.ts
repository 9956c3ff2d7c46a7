import type { Oid } from "../../ipc/ids.ts";
import { realClock } from "../../system/clock.ts";
import type { Timer } from "../../system/clock.ts";
import { beginLive, endLive, saveLive } from "../workspace/live.ts";
import type { Live } from "../workspace/live.ts";
import { messageOf } from "./desk.ts";
import type { Course, Desk, Ground } from "./desk.ts";

/** A look takes at most this part of the time: after a slow one the next waits longer. */
const restPerLook = 20;

/**
 * Looks at what a running program has changed, every `limits.prediction`, and keeps it where the
 * supervisor compares it with what others do. It is no part of the attempt: whatever fails here only
 * means that less is foreseen.
 */
export class LiveLooks {
  readonly #desk: Desk;
  readonly #course: Course;
  readonly #ground: Ground;
  readonly #intervalMs: number;
  #timer: Timer | null = null;
  #looking: Promise<void> = Promise.resolve();
  #last: Live | null = null;
  #stopped = false;

  constructor(desk: Desk, course: Course, ground: Ground) {
    this.#desk = desk;
    this.#course = course;
    this.#ground = ground;
    this.#intervalMs = desk.settings.config.limits.prediction_ms;
  }

  /** The newest state; `null`: none yet. */
  get commit(): Oid | null {
    return this.#last?.commit ?? null;
  }

  async begin(): Promise<void> {
    if (this.#intervalMs === 0) return;
    const fits = await beginLive(this.#ground.place).catch(() => false);
    if (fits) this.#lookIn(this.#intervalMs);
  }

  /** Resolves when no look is under way any more: the workspace belongs to saving now. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#looking;
    if (this.#last === null) return;
    // The newest one may not have been told of, so nobody else would know that it is there.
    await endLive(this.#ground.repository, this.#course.key.task).catch((error: unknown) =>
      this.#desk.log("the running state cannot be removed", { error: messageOf(error) }),
    );
  }

  #lookIn(ms: number): void {
    if (this.#stopped) return;
    this.#timer = realClock.setTimer(ms, () => {
      this.#looking = this.#look();
    });
  }

  async #look(): Promise<void> {
    const { place, repository, base } = this.#ground;
    const { task, attempt } = this.#course.key;
    const began = realClock.monotonicMs();
    try {
      const policy = this.#desk.settings.config.save;
      const asked = { task, attempt, base, before: this.#last, policy };
      this.#last = (await saveLive(place, repository, asked)) ?? this.#last;
    } catch (error) {
      this.#desk.log("the running state cannot be looked at", { error: messageOf(error) });
    }
    const took = realClock.monotonicMs() - began;
    this.#lookIn(Math.max(this.#intervalMs, took * restPerLook));
  }
}
