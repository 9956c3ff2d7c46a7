/**
 * What the holders of locks write to, as a store with fencing would be: it knows nothing of locks or
 * processes, only the highest fence that it has seen of each path, and refuses whoever comes with a lower
 * one. A read is refused below the highest writer, a write below the highest of both.
 *
 *     begin ─► touch … ─► end      each of them with the fence; one that has died makes no end
 *
 * Holders that never overlap are never refused. `overlaps` looks at the same log in another way: as
 * intervals from the first to the last sign of each fence.
 */
export type Access = {
  readonly op: "begin" | "touch" | "end";
  readonly fence: number;
  readonly writes: readonly string[];
  readonly reads: readonly string[];
};

type Entry = Access & { readonly accepted: boolean };
type Highest = { write: number; read: number };
type Interval = { readonly fence: number; readonly write: boolean; from: number; to: number };

export class FencedResource {
  readonly #highest = new Map<string, Highest>();
  readonly #log: Entry[] = [];
  refused = 0;

  get accesses(): number {
    return this.#log.length;
  }

  /** False: refused, and nothing has changed. */
  access(access: Access): boolean {
    const { fence, writes, reads } = access;
    const accepted =
      writes.every((path) => fence >= this.#of(path).write && fence >= this.#of(path).read) &&
      reads.every((path) => fence >= this.#of(path).write);
    if (accepted) {
      for (const path of writes) this.#of(path).write = fence;
      for (const path of reads) this.#of(path).read = Math.max(this.#of(path).read, fence);
    } else this.refused += 1;
    this.#log.push({ ...access, accepted });
    return accepted;
  }

  /** Pairs of fences that were inside the same path at once, at least one of them to write; in words. */
  overlaps(): string[] {
    const found: string[] = [];
    for (const [path, intervals] of this.#intervals()) {
      let open: Interval[] = [];
      for (const one of intervals.toSorted((a, b) => a.from - b.from)) {
        open = open.filter(({ to }) => to > one.from);
        for (const other of open)
          if (one.write || other.write)
            found.push(`fences ${other.fence} and ${one.fence} were both inside ${path}`);
        open.push(one);
      }
    }
    return found;
  }

  #of(path: string): Highest {
    const known = this.#highest.get(path) ?? { write: 0, read: 0 };
    this.#highest.set(path, known);
    return known;
  }

  #intervals(): Map<string, Interval[]> {
    const byPath = new Map<string, Map<number, Interval>>();
    for (const [at, { fence, writes, reads }] of this.#log.entries())
      for (const path of [...writes, ...reads]) {
        const byFence = byPath.get(path) ?? new Map<number, Interval>();
        byPath.set(path, byFence);
        const known = byFence.get(fence);
        if (known === undefined)
          byFence.set(fence, { fence, write: writes.includes(path), from: at, to: at });
        else known.to = at;
      }
    return new Map([...byPath].map(([path, byFence]) => [path, [...byFence.values()]]));
  }
}
