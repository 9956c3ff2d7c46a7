import type { Hold, State, Task } from "./state.ts";

/** Priority ages: a task gains one point for each minute it has waited. */
const agingMsPerPoint = 60_000;

/** Smaller starts earlier. Ageing adds the same to all that wait, so the order between two never changes. */
export function rankOf(task: Task): number {
  return (task.rankedAt ?? task.submittedAt) / agingMsPerPoint - task.spec.priority;
}

/**
 * The time by which a newcomer at `at` is ranked. It goes on as the wall clock does and never back: who
 * comes after the clock was set back would else be earlier than all who wait, for as long as the jump.
 */
export function rankTime({ rankClock }: Pick<State, "rankClock">, at: number): number {
  rankClock.shows = rankTimeNow({ rankClock }, at);
  rankClock.sawAt = at;
  return rankClock.shows;
}

/** What `rankTime` would give, without a newcomer. */
export function rankTimeNow({ rankClock }: Pick<State, "rankClock">, at: number): number {
  const { shows, sawAt } = rankClock;
  return sawAt === null ? at : shows + Math.max(0, at - sawAt);
}

/** Of somebody who would ask now, with priority 0: behind all who have asked by then. */
export function rankOfAsking(state: Pick<State, "rankClock">, at: number): Rank {
  return { rank: rankTimeNow(state, at) / agingMsPerPoint, order: Infinity };
}

/** What puts tasks in order: by rank, then by submission. */
export type Rank = { readonly rank: number; readonly order: number };

export function rankAndOrder(task: Task): Rank {
  return { rank: rankOf(task), order: task.order };
}

/** A hold waits like a task of priority 0. */
export function rankOfHold({ requestedAt, rankedAt, order }: Hold): Rank {
  return { rank: (rankedAt ?? requestedAt) / agingMsPerPoint, order };
}

/** Does `a` come first? Never true of an item and itself. */
export function precedes(a: Rank, b: Rank): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.order < b.order);
}
