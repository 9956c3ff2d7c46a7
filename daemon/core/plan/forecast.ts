import { clearBit, hasBit, lowestOf, makeBits, nextBit, rowOf, setBit } from "./bits.ts";
import { heapPeek, heapPop, heapPush, makeHeap } from "../heap.ts";
import { fits, take } from "./planned.ts";
import type { Amounts, Planned } from "./planned.ts";
import type { Bits } from "./bits.ts";
import type { Heap } from "../heap.ts";

/**
 * How long tasks take if each lasts as long as it is expected to: whenever something ends, the first of
 * the ready tasks that nobody who runs is in the way of starts, as long as there are slots. That is
 * orchd's own rule but for the limits of overtaking, which bind only where tasks keep coming.
 */
export type Pace = {
  readonly slots: number;
  /** Of each task, in milliseconds. */
  readonly durations: readonly number[];
  /** When each may start at the earliest, in milliseconds from the start of the plan. */
  readonly releases: readonly number[];
};

/** When the last of `members` ends, if they begin at `from` and have the machine for themselves. */
export function makespan(
  planned: Planned,
  pace: Pace,
  members: readonly number[],
  from: number,
): number {
  const run = begin(planned, members);
  const queue = makeHeap<Moment>();
  const push = (at: number, moment: Moment): void =>
    heapPush(queue, { rank: at, order: moment.task, key: moment });
  const release = (task: number): void => {
    const at = pace.releases[task] ?? 0;
    if (at <= run.now) becomesReady(run, task);
    else push(at, { kind: "release", task });
  };
  run.now = from;
  for (const task of members) if (run.open.get(task) === 0) release(task);
  for (;;) {
    startAll(planned, pace, run, push);
    const next = heapPeek(queue);
    if (next === undefined) return run.now;
    run.now = next.rank;
    for (const { kind, task } of due(queue, run.now)) {
      if (kind === "release") becomesReady(run, task);
      else end(planned, run, task, release);
    }
  }
}

type Moment = { readonly kind: "release" | "end"; readonly task: number };

type Run = {
  now: number;
  readonly ready: Bits;
  /** Nobody is ready in an earlier word. */
  first: number;
  readonly anyInstant: boolean;
  /** How many of the members each still waits for. */
  readonly open: Map<number, number>;
  /** Those whose claims count now. */
  readonly running: Set<number>;
  readonly taken: Amounts;
  busy: number;
};

function becomesReady(run: Run, task: number): void {
  setBit(run.ready, task);
  run.first = Math.min(run.first, task >>> 5);
}

function begin({ specs, edges, instant }: Planned, members: readonly number[]): Run {
  const own = new Set(members);
  const open = new Map(
    members.map((task) => [
      task,
      (edges.before[task] ?? []).filter((other) => own.has(other)).length,
    ]),
  );
  const ready = makeBits(specs.length);
  const anyInstant = nextBit(instant, 0) >= 0;
  const idle = { running: new Set<number>(), taken: new Map(), busy: 0 };
  return { now: 0, ready, first: 0, anyInstant, open, ...idle };
}

function startAll(
  planned: Planned,
  { slots, durations }: Pace,
  run: Run,
  push: (at: number, moment: Moment) => void,
): void {
  const rows = [...run.running].map((task) => rowOf(planned.conflicts, task));
  while (run.first < run.ready.length && run.ready[run.first] === 0) run.first += 1;
  for (let word = run.first; word < run.ready.length; word += 1) {
    if (run.busy >= slots && !run.anyInstant) return;
    let candidates =
      (run.ready[word] ?? 0) & (run.busy < slots ? -1 : (planned.instant[word] ?? 0));
    for (const row of rows) candidates &= ~(row[word] ?? 0);
    while (candidates !== 0) {
      const bit = lowestOf(candidates);
      candidates &= ~(1 << bit);
      const task = word * 32 + bit;
      const spec = planned.specs[task];
      const needsSlot = !hasBit(planned.instant, task);
      if (needsSlot && run.busy >= slots) continue;
      if (!fits(spec, run.taken, planned.capacities)) continue;
      clearBit(run.ready, task);
      take(spec, run.taken, 1);
      run.busy += Number(needsSlot);
      run.running.add(task);
      push(run.now + (durations[task] ?? 0), { kind: "end", task });
      const row = rowOf(planned.conflicts, task);
      rows.push(row);
      candidates &= ~(row[word] ?? 0);
    }
  }
}

function end(planned: Planned, run: Run, task: number, release: (task: number) => void): void {
  const spec = planned.specs[task];
  run.running.delete(task);
  run.busy -= Number(!hasBit(planned.instant, task));
  take(spec, run.taken, -1);
  for (const waiter of planned.edges.behind[task] ?? []) {
    const left = run.open.get(waiter);
    if (left === undefined) continue;
    run.open.set(waiter, left - 1);
    if (left === 1) release(waiter);
  }
}

function* due(queue: Heap<Moment>, now: number): Generator<Moment> {
  for (let next = heapPeek(queue); next !== undefined && next.rank <= now; next = heapPeek(queue)) {
    heapPop(queue);
    yield next.key;
  }
}
