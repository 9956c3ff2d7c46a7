import { compileGlob, expandBraces, isPath, literal, wholeOf } from "../glob.ts";
import { folderIn } from "./globIndex.ts";
import type { ClaimSet } from "../../../ipc/taskSpec.ts";
import type { Folder, GlobIndex, Placed } from "./globIndex.ts";
import type { Segments } from "../glob.ts";

/** A glob without braces, and the tasks that claim it, each once and in order. */
export type Spot = {
  readonly folder: Folder;
  /** What follows the folder; `null` for a path: most globs are paths, and their name is quickly made. */
  readonly rest: Segments | null;
  readonly text: string;
  writers: number[];
  readers: number[];
};

/** Shared by all spots that nobody writes, or reads. */
const nobody: number[] = [];

/**
 * Every glob that somebody claims, once, however many claim it. The place in the list is the key that it
 * has in the index: it stands there in its folder already.
 */
export function spotsOf(claims: readonly (ClaimSet | null)[], index: GlobIndex): readonly Spot[] {
  const spots = new Map<string, Spot>();
  const rests = new Map<string, Segments>();
  const spotFor = (text: string): Spot => {
    const known = spots.get(text);
    if (known !== undefined) return known;
    const end = folderEnd(text);
    const folder = folderIn(index, text.slice(0, Math.max(end, 0)));
    const rest = isPath(text) ? null : restFor(text.slice(end + 1), rests);
    const made = { folder, rest, text, writers: nobody, readers: nobody };
    folder.keys.push(spots.size);
    spots.set(text, made);
    return made;
  };
  for (const [task, declared] of claims.entries()) {
    for (const glob of declared?.writes ?? [])
      for (const text of withoutBraces(glob)) {
        const spot = spotFor(text);
        spot.writers = joined(spot.writers, task);
      }
    for (const glob of declared?.reads ?? [])
      for (const text of withoutBraces(glob)) {
        const spot = spotFor(text);
        spot.readers = joined(spot.readers, task);
      }
  }
  return [...spots.values()];
}

export function placedOf({ folder, rest, text }: Spot): Placed {
  return { folder, rest: rest ?? [literal(text.slice(text.lastIndexOf("/") + 1))] };
}

function withoutBraces(glob: string): readonly string[] {
  return glob.includes("{") ? expandBraces(glob) : [glob];
}

/** Where the literal folder ends; -1 at the top. */
function folderEnd(text: string): number {
  const wild = text.search(/[*?]/);
  return text.lastIndexOf("/", wild < 0 ? text.length : wild);
}

/** Of many globs the rest is the same: `**`, or `**\/*.ts`. */
function restFor(text: string, known: Map<string, Segments>): Segments {
  const same = known.get(text);
  if (same !== undefined) return same;
  const [alternative] = compileGlob(text).alternatives;
  const rest = alternative === undefined ? [] : wholeOf(alternative);
  known.set(text, rest);
  return rest;
}

function joined(tasks: number[], task: number): number[] {
  if (tasks === nobody) return [task];
  if (tasks.at(-1) !== task) tasks.push(task);
  return tasks;
}
