import type { Clock, Timer } from "../system/clock.ts";
import type { Keeping } from "./landing/keeping.ts";
import type { Log } from "./observe/log.ts";

/** How soon packing stands still when something begins to land. */
const glanceMs = 50;

type PackingPorts = {
  readonly keeping: Pick<Keeping, "repack" | "notOurs" | "clutter">;
  readonly isLanding: () => boolean;
  readonly setTimer: Clock["setTimer"];
  readonly log: Pick<Log, "info" | "warn">;
};

/**
 * Packs the objects of the repository, one repack at a time. While something lands it stands still; it
 * holds no lock that anybody could wait for.
 */
export class Packing {
  readonly #ports: PackingPorts;
  readonly #stop = new AbortController();
  #underWay: Promise<void> | null = null;

  constructor(ports: PackingPorts) {
    this.#ports = ports;
  }

  /** False: one is under way, or it is not for us. */
  begin(): boolean {
    const { keeping } = this.#ports;
    if (this.#underWay !== null || keeping.notOurs() !== null || this.#stop.signal.aborted)
      return false;
    this.#underWay = this.#repack().finally(() => (this.#underWay = null));
    return true;
  }

  /** Resolves when no git of it is left. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#underWay;
  }

  async #repack(): Promise<void> {
    const { keeping, log } = this.#ports;
    const repack = keeping.repack(this.#stop.signal);
    const stopWatching = this.#standStill(repack);
    const problem = await repack.problem;
    stopWatching();
    if (this.#stop.signal.aborted) return;
    if (problem === null) log.info("objects are packed", await keeping.clutter());
    else log.warn("objects could not be packed", { problem });
  }

  /** Whenever something lands, until what it returns is called. */
  #standStill(repack: { readonly pause: () => void; readonly resume: () => void }): () => void {
    const { isLanding, setTimer } = this.#ports;
    let timer: Timer;
    let stands = false;
    const look = (): void => {
      const should = isLanding();
      if (should && !stands) repack.pause();
      if (!should && stands) repack.resume();
      stands = should;
      timer = setTimer(glanceMs, look);
    };
    look();
    return () => timer.cancel();
  }
}
