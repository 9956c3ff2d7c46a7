import { isGone } from "../helpers/processes.ts";
import { nowMs } from "./barrier.ts";
import type { Access } from "./fencedResource.ts";

/** Who holds which files by what the holders themselves say, as far as one can tell from outside. */
export type Insider = Pick<Access, "writes" | "reads"> & { readonly pid: number };

type Left = { write: number; read: number };

export class Insiders {
  readonly #inside = new Map<string, Insider>();
  /** When a file was last given back. */
  readonly #left = new Map<string, Left>();

  /**
   * `beside`: holds that it cannot share with and whose processes still live. Those that made no end
   * but have died are forgotten. `met`: it was asked for while another had it.
   */
  enter(hold: string, one: Insider, askedAt: number): { beside: string[]; met: boolean } {
    const others = [...this.#inside].filter(([, other]) => conflict(one, other));
    for (const [other] of others) this.#inside.delete(other);
    this.#inside.set(hold, one);
    const met =
      others.length > 0 ||
      one.writes.some((file) => this.#leftAt(file, "write") > askedAt) ||
      one.writes.some((file) => this.#leftAt(file, "read") > askedAt) ||
      one.reads.some((file) => this.#leftAt(file, "write") > askedAt);
    return { beside: others.flatMap(([other, { pid }]) => (isGone(pid) ? [] : [other])), met };
  }

  leave(hold: string): void {
    const one = this.#inside.get(hold);
    this.#inside.delete(hold);
    const at = nowMs();
    for (const file of one?.writes ?? []) this.#left.set(file, { ...this.#of(file), write: at });
    for (const file of one?.reads ?? []) this.#left.set(file, { ...this.#of(file), read: at });
  }

  #leftAt(file: string, access: keyof Left): number {
    return this.#of(file)[access];
  }

  #of(file: string): Left {
    return this.#left.get(file) ?? { write: 0, read: 0 };
  }
}

function conflict(one: Insider, other: Insider): boolean {
  return (
    one.writes.some((file) => other.writes.includes(file) || other.reads.includes(file)) ||
    one.reads.some((file) => other.writes.includes(file))
  );
}
