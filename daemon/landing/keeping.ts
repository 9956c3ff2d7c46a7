import type { KeptRef } from "../core/retention.ts";
import type { LandingSite, Writer } from "./branch.ts";
import { bytesOf, dropRefs, keptRefs } from "./collect.ts";
import type { Dropped } from "./collect.ts";
import { hasOurEpoch } from "./refsNow.ts";
import { clutterOf, leftPacks, notOurs, removeLeftPacks, startRepack } from "./repack.ts";
import type { Clutter } from "./repack.ts";

/** The upkeep of the repository, by the one writer there is. When, is not decided here. */
export type Keeping = {
  /** The repository still has our epoch. Waits for nothing. Rejects with a `GitError`. */
  readonly isOurs: () => Promise<boolean>;
  /** Rejects with a `GitError`. */
  readonly refs: (nowMs: number) => Promise<KeptRef[]>;
  /** At most `droppedAtOnceMax`, all or none; one that has changed is a problem. Waits for landing steps. */
  readonly drop: (refs: readonly KeptRef[]) => Promise<Dropped>;
  readonly bytes: (refs: readonly KeptRef[]) => Promise<number | null>;
  readonly clutter: () => Promise<Clutter>;
  readonly notOurs: () => string | null;
  readonly repack: (signal: AbortSignal) => ReturnType<typeof startRepack>;
  /** Paths of what repacks that were cut off have left, and of what gits at work have there. */
  readonly leftPacks: () => Promise<string[]>;
  readonly removeLeftPacks: (paths: readonly string[]) => Promise<void>;
};

export function keepingOf(
  site: LandingSite,
  writer: () => Writer,
  asWriter: <Value>(step: (writer: Writer) => Promise<Value>) => Promise<Value>,
): Keeping {
  return {
    isOurs: async () => await hasOurEpoch(writer()),
    refs: (nowMs) => keptRefs(site, nowMs),
    drop: (refs) => asWriter((writer) => dropRefs(writer, refs)),
    bytes: (refs) => bytesOf(site, refs),
    clutter: () => clutterOf(site),
    notOurs: () => notOurs(site),
    repack: (signal) => startRepack(site, signal),
    leftPacks: () => leftPacks(site),
    removeLeftPacks,
  };
}
