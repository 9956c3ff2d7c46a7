import type { EventHub } from "./context.ts";
import type { EventView } from "../../ipc/eventView.ts";

/** Passes durable events on to whoever listens: subscriptions and `wait`. */
export class Hub implements EventHub {
  readonly #listeners = new Set<(events: readonly EventView[]) => void>();

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  listen(hear: (events: readonly EventView[]) => void): { stop(): void } {
    // Wrapped, so that one function may listen twice.
    const listener = (events: readonly EventView[]) => hear(events);
    this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }

  publish(events: readonly EventView[]): void {
    for (const listener of this.#listeners) listener(events);
  }
}
