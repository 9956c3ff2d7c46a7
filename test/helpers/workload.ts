import { World, readyCommand, spec, started, submit, worker } from "./core.ts";
import { compileGlob, globMatches } from "../../daemon/core/glob.ts";
import { compileHolding } from "../../daemon/core/claims.ts";
import { heapPop, heapPush, makeHeap } from "../../daemon/core/heap.ts";
import { held } from "../../daemon/core/claimSpot.ts";
import {
  heldAgainst,
  makeClaimTable,
  makeParty,
  takePlaces,
} from "../../daemon/core/claimTable.ts";
import type { Command } from "../../daemon/core/commands.ts";
import type { TaskId } from "../../ipc/ids.ts";
import type { ClaimSet, TaskSpec } from "../../ipc/taskSpec.ts";

/**
 * A random day of work and how long it takes: by the production core in virtual time, by the same
 * tasks in waves (nobody of a wave starts before all of the one before have ended), and at least,
 * whoever schedules. Nobody who schedules is told how long a task takes.
 */
export type Piece = {
  readonly spec: TaskSpec;
  readonly ms: number;
  readonly touched: readonly string[];
};
export type Workload = { readonly pieces: readonly Piece[]; readonly paths: readonly string[] };

const folders = 40;
const filesInFolder = 6;

/** Numbers that look random and are the same each time (mulberry32): from 0 up to, not including, 1. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Files, folders, globs, readers, undeclared work, and now and then somebody who wants everything.
 * `crowding`: 1 spreads them evenly over the folders, more sends most of them to few folders.
 */
export function makeWorkload(seed: number, tasks: number, crowding = 1.5): Workload {
  const random = randomFrom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const folder = () => `src/m${Math.floor(random() ** crowding * folders)}`;
  const file = () => `${folder()}/f${below(filesInFolder)}${below(3) === 0 ? ".md" : ".ts"}`;
  const claims = (): Partial<ClaimSet> | null => {
    const kind = random();
    if (kind < 0.002) return { writes: ["**"] };
    if (kind < 0.007) return { writes: [`src/*/f${below(filesInFolder)}.md`] };
    if (kind < 0.1) return { writes: [`${folder()}/**`] };
    if (kind < 0.2) return { writes: [file()], reads: [`${folder()}/**`] };
    if (kind < 0.25) return { writes: [file()], resources: { db: 1 + below(2) } };
    if (kind < 0.35) return null;
    if (kind < 0.45) return {};
    return { writes: Array.from({ length: 1 + below(3) }, file) };
  };
  const pieces = Array.from({ length: tasks }, (_, at) => {
    const after = at > 0 && random() < 0.2 ? [`t${Math.max(0, at - 1 - below(60))}`] : [];
    const declared = claims();
    const ms = 1_000 + Math.floor(random() ** 2 * 60_000);
    const touched = declared === null ? [file()] : [];
    return { spec: spec(`t${at}`, { claims: declared, after, priority: below(3) }), ms, touched };
  });
  const paths = Array.from({ length: folders * filesInFolder }, (_, at) =>
    [".ts", ".md"].map((end) => `src/m${at % folders}/f${Math.floor(at / folders)}${end}`),
  ).flat();
  return { pieces, paths };
}

const resources = { db: 3 };
/** As configured by default. */
export const fairnessWindowMs = 30_000;

/** The core in virtual time: a task that starts ends after its time, and landing takes none. */
export class VirtualTime {
  readonly world = new World();
  readonly startedAt = new Map<TaskId, number>();
  readonly #pieces = new Map<TaskId, Piece>();
  readonly #ends = makeHeap<Piece>();
  #seen = 0;

  constructor(slots: number) {
    const workers = Array.from({ length: slots }, (_, at) => readyCommand(worker(at + 1)));
    this.turn(started({ slots, resources, fairnessWindowMs }), ...workers);
  }

  submit(...pieces: readonly Piece[]): void {
    for (const piece of pieces) this.#pieces.set(piece.spec.id, piece);
    this.turn(submit(...pieces.map((piece) => piece.spec)));
  }

  turn(...commands: readonly Command[]): void {
    this.world.turn(...commands);
    this.#noteStarts();
  }

  /** Goes on to the next end of a task; `false` when nothing runs. */
  step(): boolean {
    const next = heapPop(this.#ends);
    if (next === undefined) return false;
    const { world } = this;
    const { spec: one, touched } = next.key;
    world.at = next.rank;
    world.done(one.id, touched.length === 0 ? undefined : touched);
    for (let landing = world.state.landing.current; landing !== null;) {
      if (world.step(landing) === "merging") world.merged(landing);
      if (world.step(landing) === "moving") world.moved(landing);
      landing = world.state.landing.current;
    }
    this.#noteStarts();
    return true;
  }

  #noteStarts(): void {
    const { journal, at } = this.world;
    for (; this.#seen < journal.length; this.#seen += 1) {
      const event = journal[this.#seen]?.event;
      if (event?.type !== "AttemptStarted") continue;
      this.startedAt.set(event.task, at);
      const piece = this.#pieces.get(event.task);
      if (piece !== undefined)
        heapPush(this.#ends, { rank: at + piece.ms, order: this.#seen, key: piece });
    }
  }
}

/** Milliseconds until the last has landed. */
export function makespan({ pieces }: Workload, slots: number): number {
  const time = new VirtualTime(slots);
  const begun = time.world.at;
  time.submit(...pieces);
  while (time.step());
  if (time.world.state.counts.succeeded !== pieces.length) throw new Error("not all was done");
  return time.world.at - begun;
}

/** The same tasks wave by wave: each takes whoever is ready and meets nobody who is in it already. */
export function makespanInWaves({ pieces }: Workload, slots: number): number {
  const ended = new Set<string>();
  let left = pieces.toSorted((a, b) => b.spec.priority - a.spec.priority);
  let ms = 0;
  while (left.length > 0) {
    const table = makeClaimTable();
    table.capacities = resources;
    const wave: Piece[] = [];
    for (const piece of left) {
      if (!piece.spec.after.every((other) => ended.has(other))) continue;
      const holding = compileHolding(holdingOf(piece));
      if (heldAgainst(table, holding) !== null) continue;
      takePlaces(table, makeParty(piece.spec.id, { rank: 0, order: wave.length }, holding), held);
      wave.push(piece);
    }
    ms += onSlots(wave, slots);
    for (const { spec: one } of wave) ended.add(one.id);
    left = left.filter((piece) => !ended.has(piece.spec.id));
  }
  return ms;
}

/** No schedule takes less: a chain of dependencies, all work on all slots, all that writes one path. */
export function lowerBound({ pieces, paths }: Workload, slots: number): number {
  const work = pieces.reduce((sum, { ms }) => sum + ms, 0);
  return Math.max(criticalPath(pieces), work / slots, exclusiveWork(pieces, paths));
}

function holdingOf({ spec: { claims } }: Piece): ClaimSet & { readonly optimistic: boolean } {
  const nothing = { writes: [], reads: [], resources: {} };
  return { ...(claims ?? nothing), optimistic: claims === null };
}

function onSlots(wave: readonly Piece[], slots: number): number {
  const free = Array.from({ length: slots }, () => 0);
  for (const { ms } of wave) {
    const first = free.indexOf(Math.min(...free));
    free[first] = (free[first] ?? 0) + ms;
  }
  return Math.max(...free);
}

/** Tasks come after earlier ones only. */
function criticalPath(pieces: readonly Piece[]): number {
  const ends = new Map<string, number>();
  for (const { spec: one, ms } of pieces)
    ends.set(one.id, ms + Math.max(0, ...one.after.map((other) => ends.get(other) ?? 0)));
  return Math.max(...ends.values());
}

function exclusiveWork(pieces: readonly Piece[], paths: readonly string[]): number {
  const work = paths.map(() => 0);
  const numbers = new Map(paths.map((path, at) => [path, at]));
  const covers = new Map<string, readonly number[]>();
  const coverOf = (glob: string) => {
    const known = covers.get(glob);
    if (known !== undefined) return known;
    if (numbers.has(glob)) return [numbers.get(glob) ?? 0];
    const pattern = compileGlob(glob);
    const cover = paths.flatMap((path, at) => (globMatches(pattern, path) ? [at] : []));
    covers.set(glob, cover);
    return cover;
  };
  for (const { spec: one, ms } of pieces)
    for (const at of new Set(one.claims?.writes.flatMap(coverOf))) work[at] = (work[at] ?? 0) + ms;
  return Math.max(...work);
}
