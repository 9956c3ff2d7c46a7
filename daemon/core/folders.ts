import { ageOf } from "./ages.ts";
import { unreachable } from "./unreachable.ts";
import type { Ages } from "./ages.ts";
import type { LeftKind } from "../../ipc/gcView.ts";

/**
 * What lies on disk beside the journal and git, and how long it stays. Ages count from when it was first
 * seen there (ages.ts).
 *
 *     attempt      logs and records of an attempt                                        `ageMs`
 *     workspace    of a worker that there is no more; nothing unsaved is in it           `ageMs`
 *     histories    `.git` of repositories embedded in work; their files are saved        `ageMs`
 *     unsaved      what is nowhere else: a workspace put aside, files kept back          `unsavedMs`
 *     journal      the copy of a damaged one                                             `unsavedMs`
 *     temporary    what a process that was killed did not finish writing or removing     a day
 */
export type LeftFolder = {
  readonly kind: LeftKind;
  /** Absolute; of a folder or a file. */
  readonly path: string;
};

export type FolderPolicy = { readonly ageMs: number; readonly unsavedMs: number };

const temporaryMs = 24 * 60 * 60 * 1000;

/** Milliseconds for which it still stays; less than 0: its time is over. */
export function leftMs(
  { kind, path }: LeftFolder,
  ages: Pick<Ages, "passedMs" | "since">,
  policy: FolderPolicy,
): number {
  return keptMs(kind, policy) - ageOf(ages, path);
}

function keptMs(kind: LeftKind, { ageMs, unsavedMs }: FolderPolicy): number {
  switch (kind) {
    case "attempt":
    case "workspace":
    case "histories":
      return ageMs;
    case "unsaved":
    case "journal":
      return unsavedMs;
    case "temporary":
      return temporaryMs;
    default:
      return unreachable(kind);
  }
}
