import { precedes, rankAndOrder } from "./rank.ts";
import type { Rank } from "./rank.ts";
import type { Task } from "./state.ts";
import type { TaskId } from "../../ipc/ids.ts";

/**
 * Tasks that wait to land, always in the order in which they would: each new one is put in its place,
 * so the next to land is found without sorting (a thousand may wait, and it is asked for at every step).
 */
export class LandingLine implements Iterable<TaskId> {
  readonly #line: Place[] = [];
  readonly #places = new Map<TaskId, Place>();

  get size(): number {
    return this.#line.length;
  }

  has(id: TaskId): boolean {
    return this.#places.has(id);
  }

  /** Once, however often it is added: its rank never changes. */
  add(task: Task): void {
    if (this.#places.has(task.id)) return;
    const place = { id: task.id, ...rankAndOrder(task) };
    this.#places.set(task.id, place);
    this.#line.splice(this.#indexOf(place), 0, place);
  }

  delete(id: TaskId): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#places.delete(id);
    this.#line.splice(this.#indexOf(place), 1);
  }

  /** First to land first. */
  *[Symbol.iterator](): Iterator<TaskId> {
    for (const { id } of this.#line) yield id;
  }

  /** Where it is, or belongs: how many precede it. */
  #indexOf(place: Rank): number {
    let [from, to] = [0, this.#line.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const other = this.#line[middle];
      if (other !== undefined && precedes(other, place)) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

type Place = Rank & { readonly id: TaskId };
