import { rm } from "node:fs/promises";
import { isOid, isTaskId } from "../../ipc/ids.ts";
import { isRecord } from "../../ipc/message.ts";
import type { AttemptKey } from "../../ipc/workerMessages.ts";
import { readJsonFile, writeDurably } from "../../system/atomicFile.ts";
import type { Base, Place } from "./place.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * `held.json`: whose work is in the workspace and not saved yet. Written durably before the agent
 * starts and removed after its work is saved, so whoever comes next (another attempt, another
 * process, after a power loss) knows what must be saved before anything is reset. It lies beside the
 * workspace and not in `.aibrain`, because that folder may be deleted at any time.
 */
export type Held = AttemptKey & {
  readonly base: Base;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
};

const heldBytesMax = 64 * 1024;

export async function writeHeld(place: Place, held: Held): Promise<void> {
  await failpoint("held.write", () =>
    writeDurably(place.held, `${JSON.stringify(held)}\n`, { mode: 0o600 }),
  );
}

export async function clearHeld(place: Place): Promise<void> {
  await failpoint("held.clear", () => rm(place.held, { force: true }));
}

/** `null`: everything is saved, or the record cannot be understood. */
export async function readHeld(place: Place): Promise<Held | null> {
  const value = await readJsonFile(place.held, heldBytesMax);
  if (!isRecord(value) || !isRecord(value["base"])) return null;
  const { task, attempt, fence, startedAt, base } = value;
  const { commit, tree } = base;
  if (typeof task !== "string" || !isTaskId(task)) return null;
  if (typeof commit !== "string" || !isOid(commit)) return null;
  if (typeof tree !== "string" || !isOid(tree)) return null;
  if (!isCount(attempt) || !isCount(fence) || !isCount(startedAt)) return null;
  return { task, attempt, fence, startedAt, base: { commit, tree } };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
