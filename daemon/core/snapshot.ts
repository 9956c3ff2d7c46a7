import { emptyState } from "./emptyState.ts";
import { copyOfPush } from "./push.ts";
import { isFinal } from "./state.ts";
import { rebuildSchedule } from "./scheduleIndex.ts";
import type { RedGate } from "./attemptFacts.ts";
import type { CoreSettings } from "./coreSettings.ts";
import type { HeldReason } from "./landingFacts.ts";
import type { Final, Hold, State, StoredTask, Task } from "./state.ts";
import type { PushState } from "./landingState.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";

/**
 * A state at a sequence number, in the shape that the journal keeps: one row a task and one for the
 * rest. Workers are left out: they dial in again. The schedule is left out: it is derived.
 */
export type StateRow = {
  readonly seq: number;
  readonly epoch: number;
  readonly settings: CoreSettings;
  readonly paused: boolean;
  /** Absent in snapshots from before labels could be paused. */
  readonly pausedLabels?: readonly string[];
  readonly tip: Oid | null;
  readonly redBase: Oid | null;
  readonly followed: Oid | null;
  readonly followProblem: { reason: string; paths: readonly string[] } | null;
  readonly held: HeldReason | null;
  readonly current: TaskId | null;
  readonly green: readonly Oid[];
  /** Absent in rows of the first versions, as what follows. */
  readonly rankClock?: State["rankClock"];
  readonly holds?: readonly Hold[];
  readonly push?: PushState | null;
  /** Absent in snapshots from before tasks landed together. */
  readonly together?: {
    readonly chain: readonly TaskId[];
    readonly aside: readonly TaskId[];
    readonly window: number | null;
    readonly red: readonly (readonly [Oid, RedGate])[];
    /** Absent in snapshots from before files were made anew. */
    readonly generated?: readonly (readonly [Oid, { globs: readonly string[]; tree: Oid }])[];
  };
};

export function stateRow(state: State): StateRow {
  const { seq, epoch, settings, paused, landing } = state;
  const pausedLabels = [...state.pausedLabels];
  const { tip, redBase, followed, followProblem, held, current } = landing;
  const { chain, window } = landing;
  const [aside, red, generated] = [[...landing.aside], [...landing.red], [...landing.generated]];
  const together = { chain, aside, window, red, generated };
  const green = [...landing.green];
  return {
    seq,
    epoch,
    settings,
    paused,
    pausedLabels,
    tip,
    redBase,
    followed,
    followProblem,
    held,
    current,
    green,
    // A hold is changed in place, and who keeps the row wants it as it is now.
    rankClock: { ...state.rankClock },
    holds: [...state.holds.values()].map((one) => ({ ...one })),
    push: copyOfPush(state.push),
    together,
  };
}

export type SavedFinal = Final & { readonly id: TaskId };

/**
 * The state that the rows describe, `at` the present time. A final task needs only its `Final`; those
 * that come whole in `tasks` as well stay at hand for `status`.
 */
export function restore(
  row: StateRow | null,
  tasks: Iterable<StoredTask>,
  finals: Iterable<SavedFinal>,
  at: number,
): State {
  const state = emptyState();
  if (row !== null) restoreRow(state, row);
  for (const { id, digest, status, commit } of finals) {
    state.finals.set(id, { digest, status, commit });
    state.counts[status] += 1;
  }
  for (const task of tasks) restoreTask(state, task);
  rebuildSchedule(state, at);
  return state;
}

/** Puts what is not of one task into an empty state. */
export function restoreRow(state: State, row: StateRow): void {
  state.seq = row.seq;
  state.epoch = row.epoch;
  state.settings = row.settings;
  state.paused = row.paused;
  for (const label of row.pausedLabels ?? []) state.pausedLabels.add(label);
  const { tip, redBase, followed, followProblem, held, current } = row;
  Object.assign(state.landing, { tip, redBase, followed, followProblem, held, current });
  for (const tree of row.green) state.landing.green.add(tree);
  if (row.rankClock !== undefined) Object.assign(state.rankClock, row.rankClock);
  for (const one of row.holds ?? []) state.holds.set(one.id, { ...one });
  state.push = copyOfPush(row.push ?? null);
  state.landing.chain = row.together?.chain ?? (current === null ? [] : [current]);
  state.landing.window = row.together?.window ?? null;
  for (const id of row.together?.aside ?? []) state.landing.aside.add(id);
  for (const [tree, red] of row.together?.red ?? []) state.landing.red.set(tree, red);
  for (const [tree, made] of row.together?.generated ?? []) state.landing.generated.set(tree, made);
}

function restoreTask(state: State, task: Task): void {
  state.tasks.set(task.id, task);
  if (isFinal(task.life)) return;
  state.counts[task.life.status] += 1;
  if (task.life.status === "landing" && task.life.step.at === "waiting")
    state.landing.waiting.add(task);
}
