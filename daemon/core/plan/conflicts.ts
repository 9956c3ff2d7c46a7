import { compileGlob, literal, wholeOf } from "../glob.ts";
import { everything } from "../claims.ts";
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
import { addGlob, eachMet, makeGlobIndex } from "./globIndex.ts";
import type { Bits, Matrix } from "./bits.ts";
import type { ClaimSet } from "../../../ipc/taskSpec.ts";
import type { GlobIndex } from "./globIndex.ts";
import type { Alternative, Segments } from "../glob.ts";

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
  const spots = spotsOf(claims);
  const index = makeGlobIndex();
  for (const [key, { alternative }] of spots.entries())
    if (alternative.kind !== "path") addGlob(index, key, wholeOf(alternative));
  for (const spot of spots) addMet(matrix, spots, spot, index);
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

/** A glob without braces, and the tasks that claim it. */
type Spot = {
  readonly alternative: Alternative;
  readonly writers: Group;
  readonly readers: Group;
};

/** Tasks as a list, and as bits as soon as that is the quicker way to unite them. */
type Group = { tasks: number[]; bits: Bits | null };

/** Shared by all groups without tasks. */
const nobody: number[] = [];

function spotsOf(claims: readonly (ClaimSet | null)[]): readonly Spot[] {
  const spots = new Map<string, Spot>();
  const spotAt = (alternative: Alternative): Spot => {
    const known = spots.get(alternative.text);
    if (known !== undefined) return known;
    const made = { alternative, writers: makeGroup(), readers: makeGroup() };
    spots.set(alternative.text, made);
    return made;
  };
  const spotsFor = (glob: string): readonly Spot[] => {
    const known = spots.get(glob);
    return known === undefined ? compileGlob(glob).alternatives.map(spotAt) : [known];
  };
  for (const [task, claim] of claims.entries()) {
    for (const glob of claim?.writes ?? [])
      for (const { writers } of spotsFor(glob)) join(writers, task);
    for (const glob of claim?.reads ?? [])
      for (const { readers } of spotsFor(glob)) join(readers, task);
  }
  return [...spots.values()];
}

function makeGroup(): Group {
  return { tasks: nobody, bits: null };
}

function join(group: Group, task: number): void {
  if (group.tasks === nobody) group.tasks = [task];
  else if (group.tasks.at(-1) !== task) group.tasks.push(task);
}

/** Not kept: most globs are paths, and each is looked at once or twice. */
function segmentsOf(alternative: Alternative): Segments {
  const { folder, rest, kind } = alternative;
  return kind === "path" ? [...folder.map(literal), ...rest] : wholeOf(alternative);
}

/** Whoever writes here is in the way of all that touch what it meets; who reads, of those that write. */
function addMet(matrix: Matrix, spots: readonly Spot[], spot: Spot, index: GlobIndex): void {
  const { writers, readers } = spot;
  const againstWriters = target(matrix, writers);
  const againstReaders = target(matrix, readers);
  const add = (met: Spot): void => {
    if (againstWriters !== null) {
      addGroup(againstWriters, met.writers, matrix.size);
      addGroup(againstWriters, met.readers, matrix.size);
    }
    if (againstReaders !== null) addGroup(againstReaders, met.writers, matrix.size);
  };
  if (writers.tasks.length + readers.tasks.length > 1) add(spot);
  eachMet(index, segmentsOf(spot.alternative), (key) => {
    const met = spots[key];
    if (met !== undefined && met !== spot) add(met);
  });
  spread(matrix, writers, againstWriters);
  spread(matrix, readers, againstReaders);
}

/** Where to collect for a group: the row itself if there is one task only. */
function target(matrix: Matrix, { tasks }: Group): Bits | null {
  const [only] = tasks;
  if (only === undefined) return null;
  return tasks.length === 1 ? rowOf(matrix, only) : makeBits(matrix.size);
}

function spread(matrix: Matrix, { tasks }: Group, collected: Bits | null): void {
  if (collected === null || tasks.length === 1) return;
  for (const task of tasks) unite(rowOf(matrix, task), collected);
}

function addGroup(into: Bits, group: Group, size: number): void {
  if (group.tasks.length < into.length) {
    for (const task of group.tasks) setBit(into, task);
    return;
  }
  group.bits ??= bitsOf(group.tasks, size);
  unite(into, group.bits);
}

/** A task that writes everything is alone: also without those that declare nothing. */
function addUndeclared(matrix: Matrix, claims: readonly (ClaimSet | null)[]): void {
  const undeclared = bitsOf(
    indexesWhere(claims, (claim) => claim === null),
    claims.length,
  );
  for (const task of indexesWhere(claims, (claim) => claim?.writes.includes(everything) === true))
    unite(rowOf(matrix, task), undeclared);
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
