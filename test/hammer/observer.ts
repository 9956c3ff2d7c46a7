import { nowMs } from "./barrier.ts";
import type { Client } from "../../ipc/client.ts";
import type { EventView } from "../../ipc/eventView.ts";

/** When the supervisor told everybody that a hold had ended, and why. */
export type Ended = { readonly at: number; readonly because: string };

export class Observer {
  readonly #ended = new Map<string, Ended>();

  async watch(client: Client): Promise<void> {
    await client.subscribe(null, (event) => this.#see(event));
  }

  /** `null`: not yet. */
  endOf(hold: string): Ended | null {
    return this.#ended.get(hold) ?? null;
  }

  #see({ name, detail }: EventView): void {
    const { hold, because } = detail;
    if (name === "lock:ended" && typeof hold === "string")
      this.#ended.set(hold, { at: nowMs(), because: String(because) });
  }
}
