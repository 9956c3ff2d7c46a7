import type { Hold, Task } from "./state.ts";

/** Priority ages: a task gains one point for each minute it has waited. */
const agingMsPerPoint = 60_000;

/** Smaller starts earlier. Ageing adds the same to all that wait, so the order between two never changes. */
export function rankOf(task: Task): number {
  return task.submittedAt / agingMsPerPoint - task.spec.priority;
}

/** Of somebody who would ask now, with priority 0: behind all who have asked by then. */
export function rankOfAsking(at: number): Rank {
  return { rank: at / agingMsPerPoint, order: Infinity };
}

/** What puts tasks in order: by rank, then by submission. */
export type Rank = { readonly rank: number; readonly order: number };

export function rankAndOrder(task: Task): Rank {
  return { rank: rankOf(task), order: task.order };
}

/** A hold waits like a task of priority 0. */
export function rankOfHold({ requestedAt, order }: Hold): Rank {
  return { rank: requestedAt / agingMsPerPoint, order };
}

/** Does `a` come first? Never true of an item and itself. */
export function precedes(a: Rank, b: Rank): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.order < b.order);
}
