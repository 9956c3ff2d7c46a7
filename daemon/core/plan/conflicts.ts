import { compileGlob, matchesEverything } from "../glob.ts";
import {
  clearBit,
  countBits,
  makeBits,
  makeMatrix,
  makeSymmetric,
  rowOf,
  setBit,
  unite,
} from "./bits.ts";
import { addGlob, eachKeyIn, eachMet, makeGlobIndex } from "./globIndex.ts";
import { placedOf, spotsOf } from "./spots.ts";
import type { Bits, Matrix } from "./bits.ts";
import type { ClaimSet } from "../../../ipc/taskSpec.ts";
import type { Spot } from "./spots.ts";

/**
 * Which of some tasks are in each other's way, by the rules of `../claims.ts`, as a matrix: row `a` has
 * the bit `b` if `a` and `b` cannot run at the same time. Tasks are numbers from 0 on; the claims of one
 * that declares nothing are `null`.
 *
 * Each glob that somebody claims is looked up once, however many claim it, and what it meets is united
 * into the rows of all of them.
 */
export type Capacities = Readonly<Record<string, number>>;

export function conflictsOf(claims: readonly (ClaimSet | null)[], capacities: Capacities): Matrix {
  const matrix = makeMatrix(claims.length);
  const index = makeGlobIndex();
  const spots = spotsOf(claims, index);
  for (const [key, spot] of spots.entries()) if (spot.rest !== null) addGlob(key, placedOf(spot));
  const sets = { size: matrix.size, made: new Map() };
  eachKeyIn(index.top, (key) => addMet(matrix, sets, spots, key));
  addUndeclared(matrix, claims);
  addResources(matrix, claims, capacities);
  makeSymmetric(matrix);
  for (let task = 0; task < claims.length; task += 1) clearBit(rowOf(matrix, task), task);
  return matrix;
}

/** How many pairs are in each other's way. */
export function countPairs({ all }: Matrix): number {
  return countBits(all) / 2;
}

/** One of the resource; what `orchd.yaml` does not name there is one of. */
export function capacityOf(capacities: Capacities, resource: string): number {
  return capacities[resource] ?? 1;
}

/** Sets of tasks as bits, where that is the quicker way to unite them. */
type Sets = { readonly size: number; readonly made: Map<readonly number[], Bits> };

/** So few rows are written to directly; for more it is collected first. */
const rowsMax = 4;

/** Whoever writes here is in the way of all that touch what it meets; who reads, of those that write. */
function addMet(matrix: Matrix, sets: Sets, spots: readonly Spot[], own: number): void {
  const spot = spots[own];
  if (spot === undefined) return;
  const { writers, readers } = spot;
  const againstWriters = targets(matrix, writers);
  const againstReaders = targets(matrix, readers);
  const add = (met: Spot): void => {
    for (const into of againstWriters) {
      addTasks(into, met.writers, sets);
      addTasks(into, met.readers, sets);
    }
    for (const into of againstReaders) addTasks(into, met.writers, sets);
  };
  if (writers.length + readers.length > 1) add(spot);
  eachMet(placedOf(spot), (key) => {
    const met = key === own ? undefined : spots[key];
    if (met !== undefined) add(met);
  });
  spread(matrix, writers, againstWriters);
  spread(matrix, readers, againstReaders);
}

const nothing: readonly Bits[] = [];

/** Where to write what these tasks are in the way of. */
function targets(matrix: Matrix, tasks: readonly number[]): readonly Bits[] {
  if (tasks.length === 0) return nothing;
  if (tasks.length > rowsMax) return [makeBits(matrix.size)];
  return tasks.map((task) => rowOf(matrix, task));
}

function spread(matrix: Matrix, tasks: readonly number[], collected: readonly Bits[]): void {
  if (tasks.length <= rowsMax) return;
  for (const bits of collected) for (const task of tasks) unite(rowOf(matrix, task), bits);
}

function addTasks(into: Bits, tasks: readonly number[], { size, made }: Sets): void {
  if (tasks.length < into.length) {
    for (const task of tasks) setBit(into, task);
    return;
  }
  const bits = made.get(tasks) ?? bitsOf(tasks, size);
  made.set(tasks, bits);
  unite(into, bits);
}

/** A task that writes everything is alone: also without those that declare nothing. */
function addUndeclared(matrix: Matrix, claims: readonly (ClaimSet | null)[]): void {
  const undeclared = bitsOf(
    indexesWhere(claims, (claim) => claim === null),
    claims.length,
  );
  for (const task of indexesWhere(claims, (claim) => claim !== null && writesEverything(claim)))
    unite(rowOf(matrix, task), undeclared);
}

function writesEverything({ writes }: ClaimSet): boolean {
  // Compiling all of them only to know this would cost more than the rest of the plan.
  return writes.some((glob) => /^[*?{]/.test(glob) && matchesEverything(compileGlob(glob)));
}

/** Two that ask together for more of a resource than there is. */
function addResources(
  matrix: Matrix,
  claims: readonly (ClaimSet | null)[],
  capacities: Capacities,
): void {
  for (const [resource, amounts] of amountsOf(claims)) {
    const capacity = capacityOf(capacities, resource);
    const falling = [...amounts.keys()].toSorted((a, b) => b - a);
    const atLeast = makeBits(claims.length);
    let added = 0;
    for (const amount of falling.toReversed()) {
      // The smaller this amount, the larger the other one must be: those are added as it grows.
      for (; added < falling.length && (falling[added] ?? 0) + amount > capacity; added += 1)
        for (const task of amounts.get(falling[added] ?? 0) ?? []) setBit(atLeast, task);
      for (const task of amounts.get(amount) ?? []) unite(rowOf(matrix, task), atLeast);
    }
  }
}

/** By resource and amount: who asks for it. */
function amountsOf(
  claims: readonly (ClaimSet | null)[],
): ReadonlyMap<string, ReadonlyMap<number, readonly number[]>> {
  const found = new Map<string, Map<number, number[]>>();
  for (const [task, claim] of claims.entries())
    for (const [resource, amount] of Object.entries(claim?.resources ?? {})) {
      const amounts = found.get(resource) ?? new Map<number, number[]>();
      found.set(resource, amounts);
      const tasks = amounts.get(amount);
      if (tasks === undefined) amounts.set(amount, [task]);
      else tasks.push(task);
    }
  return found;
}

function indexesWhere<Item>(items: readonly Item[], test: (item: Item) => boolean): number[] {
  return [...items.keys()].filter((index) => test(items[index] as Item));
}

function bitsOf(indexes: readonly number[], size: number): Bits {
  const bits = makeBits(size);
  for (const index of indexes) setBit(bits, index);
  return bits;
}
