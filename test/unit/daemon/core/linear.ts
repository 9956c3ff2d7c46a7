import { claimConflict, compileHolding } from "../../../../daemon/core/claims.ts";
import { heldBy, isReady } from "./oracle.ts";
import { holdingOf, holdingOfHold } from "../../../../daemon/core/holding.ts";
import { isHold } from "../../../../daemon/core/state.ts";
import { precedes, rankAndOrder, rankOfHold } from "../../../../daemon/core/rank.ts";
import type { CompiledHolding } from "../../../../daemon/core/claims.ts";
import type { Hold, State, Task } from "../../../../daemon/core/state.ts";
import type { HolderId } from "../../../../ipc/ids.ts";
import type { Rank } from "../../../../daemon/core/rank.ts";

/**
 * The rules of starting, as one loop over everybody: no trie, no lines, no waking. It looks at every
 * lock that waits and then at every ready task, in order, compares its claims with those of every
 * holder and of every earlier waiter, and remembers only who waits, since when, and how often it was
 * passed.
 */
export class LinearSchedule {
  readonly #fairness = new Map<HolderId, { readonly since: number; overtaken: number }>();
  /** Found to be stopped, and waiting ever since. */
  readonly #stopped = new Set<HolderId>();

  /** Those who wait no more; a task that was paused keeps its patience, one that ran does not. */
  forget(state: State): void {
    for (const id of this.#fairness.keys()) if (!waits(state, id)) this.#fairness.delete(id);
    for (const id of this.#stopped)
      if (!this.#fairness.has(id) || isPaused(state, id)) this.#stopped.delete(id);
  }

  /** What may start now, in order, and whom each passes. Changes nothing but its memory. */
  round(state: State, at: number, places: number): Start[] {
    const starts: Start[] = [];
    const holders = heldBy(state).map(compileHolding);
    const holds = asking(state);
    for (const candidate of [...holds, ...(state.paused ? [] : readyInOrder(state, at))]) {
      if (!isHold(candidate.id) && tasksIn(starts) >= places) break;
      const passed = this.#passedBy(state, candidate, holders, at);
      if (passed === null) {
        this.#stopped.add(candidate.id);
        if (!this.#fairness.has(candidate.id))
          this.#fairness.set(candidate.id, { since: at, overtaken: 0 });
        continue;
      }
      for (const id of passed) {
        const fairness = this.#fairness.get(id);
        if (fairness !== undefined) fairness.overtaken += 1;
      }
      this.#fairness.delete(candidate.id);
      this.#stopped.delete(candidate.id);
      holders.push(candidate.holding);
      starts.push({ who: candidate.id, overtook: passed.toSorted() });
    }
    return starts;
  }

  #passedBy(
    state: State,
    { rank, holding }: Candidate,
    holders: readonly CompiledHolding[],
    at: number,
  ): HolderId[] | null {
    if (holders.some((theirs) => claimConflict(holding, theirs) !== null)) return null;
    if (lacks(state, holding, holders)) return null;
    const passed: HolderId[] = [];
    for (const id of this.#stopped) {
      const other = candidateOf(state, id);
      if (other === undefined || !precedes(other.rank, rank)) continue;
      if (!meet(holding, other.holding)) continue;
      const fairness = this.#fairness.get(id);
      if (fairness === undefined || fairness.overtaken >= 4) return null;
      if (at - fairness.since >= state.settings.fairnessWindowMs) return null;
      passed.push(id);
    }
    return passed;
  }
}

export type Start = { readonly who: HolderId; readonly overtook: readonly HolderId[] };

type Candidate = {
  readonly id: HolderId;
  readonly rank: Rank;
  readonly holding: CompiledHolding;
};

function asking(state: State): Candidate[] {
  return inOrder([...state.holds.values()].filter(({ granted }) => granted === null).map(ofHold));
}

function readyInOrder(state: State, at: number): Candidate[] {
  return inOrder([...state.tasks.values()].filter((task) => isReady(state, task, at)).map(ofTask));
}

function inOrder(candidates: Candidate[]): Candidate[] {
  return candidates.toSorted((a, b) => (precedes(a.rank, b.rank) ? -1 : 1));
}

function candidateOf(state: State, id: HolderId): Candidate | undefined {
  if (isHold(id)) {
    const hold = state.holds.get(id);
    return hold === undefined ? undefined : ofHold(hold);
  }
  const task = state.tasks.get(id);
  return task === undefined ? undefined : ofTask(task);
}

function ofTask(task: Task): Candidate {
  return { id: task.id, rank: rankAndOrder(task), holding: compileHolding(holdingOf(task)) };
}

function ofHold(hold: Hold): Candidate {
  return { id: hold.id, rank: rankOfHold(hold), holding: compileHolding(holdingOfHold(hold)) };
}

function waits(state: State, id: HolderId): boolean {
  if (isHold(id)) return state.holds.get(id)?.granted === null;
  return state.tasks.get(id)?.life.status === "queued";
}

function isPaused({ tasks, pausedLabels }: State, id: HolderId): boolean {
  const task = isHold(id) ? undefined : tasks.get(id);
  return task?.paused === true || task?.spec.labels.some((one) => pausedLabels.has(one)) === true;
}

function tasksIn(starts: readonly Start[]): number {
  return starts.filter(({ who }) => !isHold(who)).length;
}

function meet(mine: CompiledHolding, theirs: CompiledHolding): boolean {
  if (claimConflict(mine, theirs) !== null) return true;
  return [...mine.resources.keys()].some((resource) => theirs.resources.has(resource));
}

function lacks(state: State, mine: CompiledHolding, holders: readonly CompiledHolding[]): boolean {
  return [...mine.resources].some(([resource, count]) => {
    const held = holders.reduce((sum, { resources }) => sum + (resources.get(resource) ?? 0), 0);
    return held > 0 && held + count > (state.settings.resources[resource] ?? 1);
  });
}
