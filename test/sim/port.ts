import type { Machine } from "./machine.ts";

/**
 * The line between a supervisor and its world. Every call in either direction passes here, so that it
 * can die before and after each of them; once dead it can run on, and nothing it does has an effect.
 */
export class Port {
  alive = true;
  /** Calls that still pass before it dies; `null`: it does not. */
  dieAfter: number | null = null;
  readonly #machine: Machine;
  readonly #onDeath: () => void;

  constructor(machine: Machine, onDeath: () => void) {
    this.#machine = machine;
    this.#onDeath = onDeath;
  }

  /** False: dead, and the call must have no effect. */
  pass(name: string): boolean {
    if (!this.alive) return false;
    if (this.dieAfter === null) return true;
    this.dieAfter -= 1;
    if (this.dieAfter > 0) return true;
    this.#machine.note("port", "died at", name);
    this.die();
    return false;
  }

  die(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#onDeath();
  }
}
