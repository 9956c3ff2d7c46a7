import type { HoldId } from "../../ipc/ids.ts";

/**
 * Requests for locks that are on their way to the core: their claims are still looked up on the disk.
 * A client that gives up meanwhile sends `unlock`, which takes no such time. It must not come first: it
 * would find nothing, and the lock would then be granted to somebody who does not know of it.
 */
export class Arrivals {
  readonly #under = new Map<HoldId, Promise<unknown>>();

  /** `request` resolves, or rejects, when it is through. */
  async arrive<Result>(hold: HoldId, request: () => Promise<Result>): Promise<Result> {
    const before = this.#under.get(hold);
    const arriving = before === undefined ? request() : settled(before).then(request);
    this.#under.set(hold, arriving);
    try {
      return await arriving;
    } finally {
      if (this.#under.get(hold) === arriving) this.#under.delete(hold);
    }
  }

  async arrived(hold: HoldId): Promise<void> {
    await settled(this.#under.get(hold));
  }
}

async function settled(request: Promise<unknown> | undefined): Promise<void> {
  await request?.catch(() => {});
}
