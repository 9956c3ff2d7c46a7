import type { DatabaseSync } from "node:sqlite";

import type { Checksum } from "./chain.ts";
import { readMetaRow } from "./metaRows.ts";
import { Damage } from "./problems.ts";

/**
 * How a snapshot gets onto the disk while appends go on. It is written in chunks, each a row of `meta`
 * and a transaction of its own, so that an append waits for one chunk at most:
 *
 *     stage   chunk sealed+1, sealed+2, … : the tasks that changed. Nobody looks at them yet.
 *     seal    one row says `sealed = n`: from now on the snapshot is at its new seq, as the rows of
 *             `tasks` with the chunks folded+1 … sealed laid over them, later ones on top.
 *     fold    the oldest chunk moves into `tasks` and `bodies`, and `folded` goes up by one.
 *
 * Each step is one transaction, so a crash between any two leaves a whole snapshot: the old one until
 * `seal`, the new one from then on. Chunks above `sealed` belong to a snapshot that never came to its
 * end; the next one writes over them, and only what it wrote itself is sealed. `chunks` in the same
 * row folds the checksums of all that count into one, so an older version of a chunk is found out.
 *
 *     value of a chunk:   JSON [[text, head, body], …]    text as in protocol.ts, head as in schema.ts,
 *                                                       or 0: as its row in `tasks` says
 */
export type ChunkTask = readonly [text: string, head: number, body: string];

/** In which chunk a task is, and the last event that is known there. */
export type ChunkPlace = { readonly chunk: number; readonly head: number };

/** The newest place of each task that is in a sealed chunk. */
export type Unfolded = Map<string, ChunkPlace>;

export function chunkName(number: number): `chunk ${number}` {
  return `chunk ${number}`;
}

export function idIn(text: string): string {
  return text.slice(0, text.indexOf("\n"));
}

export function packChunk(tasks: readonly ChunkTask[]): string {
  return JSON.stringify(tasks);
}

/** @throws Damage when it is missing or does not fit its checksum */
export function readChunk(
  db: DatabaseSync,
  number: number,
): { readonly tasks: readonly ChunkTask[]; readonly checksum: Checksum } {
  const row = readMetaRow(db, chunkName(number));
  if (row === null) throw new Damage("tasks", `chunk ${number} of the snapshot is missing`);
  // The checksum fits, so it is what was written.
  return { tasks: JSON.parse(row.value) as ChunkTask[], checksum: row.checksum };
}
