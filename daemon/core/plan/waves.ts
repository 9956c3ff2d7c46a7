import { clearBit, lowestOf, makeBits, nextBit, rowOf, setBit } from "./bits.ts";
import { fits, take } from "./planned.ts";
import type { Amounts, Planned } from "./planned.ts";
import type { Bits } from "./bits.ts";

/**
 * Waves: no two tasks of one are in each other's way, and whatever they wait for is in an earlier one.
 * Each task goes into the first wave that has room for it, those that start earlier first. (The fewest
 * waves possible would be a colouring of the graph of conflicts, which takes exponential time.)
 */
export function wavesOf(planned: Planned): readonly (readonly number[])[] {
  const { specs, edges, conflicts } = planned;
  const waves: number[][] = [];
  const taken: Amounts[] = [];
  const waveOf = new Int32Array(specs.length).fill(-1);
  const placed = makeBits(specs.length);
  /** The task for which a wave was last found to be closed. */
  const closedFor: number[] = [];
  forEachInOrder(planned, (task) => {
    const row = rowOf(conflicts, task);
    close(closedFor, task, row, placed, waveOf);
    let wave = 0;
    for (const other of edges.before[task] ?? []) wave = Math.max(wave, (waveOf[other] ?? 0) + 1);
    while (
      wave < waves.length &&
      (closedFor[wave] === task || !fits(specs[task], taken[wave] ?? new Map(), planned.capacities))
    )
      wave += 1;
    if (wave === waves.length) {
      waves.push([]);
      taken.push(new Map());
    }
    waves[wave]?.push(task);
    take(specs[task], taken[wave] ?? new Map(), 1);
    waveOf[task] = wave;
    setBit(placed, task);
  });
  return waves.map((tasks) => tasks.toSorted((a, b) => a - b));
}

/** Notes for each wave the task that it is closed for, because somebody in it is in the way. */
function close(
  closedFor: number[],
  task: number,
  row: Bits,
  placed: Bits,
  waveOf: Int32Array,
): void {
  for (let word = 0; word < row.length; word += 1) {
    let met = (row[word] ?? 0) & (placed[word] ?? 0);
    for (; met !== 0; met &= met - 1) closedFor[waveOf[word * 32 + lowestOf(met)] ?? 0] = task;
  }
}

/** Each behind what it waits for, and of those that may come next the first in number. */
function forEachInOrder({ specs, edges }: Planned, visit: (task: number) => void): void {
  const open = edges.before.map((others) => others.length);
  const ready = makeBits(specs.length);
  for (const [task, count] of open.entries()) if (count === 0) setBit(ready, task);
  for (let task = nextBit(ready, 0); task >= 0; task = nextBit(ready, 0)) {
    clearBit(ready, task);
    visit(task);
    for (const waiter of edges.behind[task] ?? []) {
      const left = (open[waiter] ?? 0) - 1;
      open[waiter] = left;
      if (left === 0) setBit(ready, waiter);
    }
  }
}
