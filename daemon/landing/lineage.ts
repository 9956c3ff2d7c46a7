import type { Oid } from "../../ipc/ids.ts";

/**
 * What the writer knows of commits because it made them or has asked before; commits never change.
 * It saves a git where a commit of ours is met again: the branch's tip is nearly always the last
 * candidate, and the base of a task a tip of some landings ago.
 */
export class Lineage {
  readonly #known = new Map<Oid, { readonly tree: Oid; readonly parent: Oid | null }>();

  /** `parent`: one of its parents; `null`: none that is known. */
  learn(commit: Oid, tree: Oid, parent: Oid | null = null): void {
    if (this.#known.has(commit) && parent === null) return;
    this.#known.set(commit, { tree, parent });
    const [oldest] = this.#known.keys();
    if (this.#known.size > commitsMax && oldest !== undefined) this.#known.delete(oldest);
  }

  treeOf(commit: Oid): Oid | null {
    return this.#known.get(commit)?.tree ?? null;
  }

  /** Whether `young` is known to contain `old`; `false` says nothing. */
  contains(young: Oid, old: Oid): boolean {
    let at: Oid | null = young;
    while (at !== null && at !== old) at = this.#known.get(at)?.parent ?? null;
    return at === old;
  }
}

const commitsMax = 1_000;
