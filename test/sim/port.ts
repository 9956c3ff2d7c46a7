import type { Machine } from "./machine.ts";

/**
 * The line between a supervisor and its world. Every call in either direction passes here by name, so
 * that it can die before and after each of them; once dead it can run on, and nothing it does has an
 * effect.
 */
export class Port {
  alive = true;
  /** It dies when this says so of a call. */
  #diesAt: (name: string) => boolean = () => false;
  readonly #machine: Machine;
  readonly #onDeath: () => void;

  constructor(machine: Machine, onDeath: () => void) {
    this.#machine = machine;
    this.#onDeath = onDeath;
  }

  /** False: dead, and the call must have no effect. */
  pass(name: string): boolean {
    if (!this.alive) return false;
    const deaths = this.#machine.deathsAt.get(name) ?? 0;
    const diesHere = this.#machine.takeAim(name) || this.#diesAt(name);
    this.#machine.deathsAt.set(name, diesHere ? deaths + 1 : deaths);
    if (!diesHere) return true;
    this.#machine.fired("supervisor_crash");
    this.#machine.note("port", "died at", name);
    this.die();
    return false;
  }

  /** At the next call, or the one after that, … */
  dieAfter(calls: number): void {
    let left = calls;
    this.#diesAt = () => (left -= 1) <= 0;
  }

  /** At the next call of this name, if there is one. */
  dieAt(call: string): void {
    this.#diesAt = (name) => name === call;
  }

  spare(): void {
    this.#diesAt = () => false;
  }

  die(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#onDeath();
  }
}
