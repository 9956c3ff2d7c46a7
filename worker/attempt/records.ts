import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isOid, isTaskId } from "../../ipc/ids.ts";
import type { Oid, WorkerId } from "../../ipc/ids.ts";
import { isRecord } from "../../ipc/message.ts";
import type { TaskSpec } from "../../ipc/taskSpec.ts";
import type { AttemptKey, Outcome, Report } from "../../ipc/workerMessages.ts";
import { readJsonFile, replaceFile } from "../../system/atomicFile.ts";
import { writeDurablyNow } from "../../system/durableFile.ts";
import type { ProcessIdentity } from "../../system/processIdentity.ts";

/**
 * What an attempt leaves in `.aibrain/<worker>/attempts/<task>.<n>/`:
 *
 *     attempt.json    synced before anything starts; written again, unsynced, when the base is known
 *     outcome.json    synced before it is reported
 *     acknowledged    empty; the supervisor has the outcome in its journal
 *
 * Read by the next process of the same worker: an attempt without an outcome was cut short (its work
 * is saved now, its result is `lost`), an outcome without acknowledgement is reported again. The
 * folder may be deleted under a living worker; what that worker remembers then counts.
 */
export type AttemptRecord = AttemptKey & {
  readonly version: 1;
  readonly kind: "task" | "gate";
  readonly worker: WorkerId;
  readonly process: ProcessIdentity;
  /** Milliseconds since the epoch. */
  readonly started_at: number;
  readonly base: Oid | null;
  /** Names of secrets, never their values. `null` for a gate. */
  readonly spec: TaskSpec | null;
};

export type Unfinished =
  | { readonly kind: "cut_short"; readonly key: AttemptKey; readonly startedAt: number }
  | { readonly kind: "unreported"; readonly key: AttemptKey; readonly report: Report };

const attemptName = "attempt.json";
const outcomeName = "outcome.json";
const acknowledgedName = "acknowledged";
const fileMode = 0o600;
const recordBytesMax = 4 * 1024 * 1024;

export function attemptFolder(stateFolder: string, key: AttemptKey): string {
  return join(stateFolder, "attempts", `${key.task}.${key.attempt}`);
}

/** Makes the folder anew: the same attempt may have been assigned before and been taken back. */
export function beginRecord(folder: string, record: AttemptRecord): void {
  if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  writeDurablyNow(join(folder, attemptName), jsonOf(record), fileMode);
}

/** For people who look; what a salvage needs to know about the base stands in `held.json`. */
export async function noteBase(folder: string, record: AttemptRecord, base: Oid): Promise<void> {
  await replaceFile(join(folder, attemptName), jsonOf({ ...record, base }), { mode: fileMode });
}

export function writeOutcome(folder: string, report: Report): void {
  writeDurablyNow(join(folder, outcomeName), jsonOf(report), fileMode);
}

export function hasOutcome(folder: string): boolean {
  return existsSync(join(folder, outcomeName));
}

/** Not synced: a marker that is lost makes a report come twice, and its fence makes it count once. */
export function markAcknowledged(stateFolder: string, key: AttemptKey): void {
  const folder = attemptFolder(stateFolder, key);
  if (existsSync(folder)) writeFileSync(join(folder, acknowledgedName), "", { mode: fileMode });
}

/** Called once at start, before this process has written anything. Records that are damaged are passed over. */
export async function findUnfinished(stateFolder: string): Promise<Unfinished[]> {
  const unfinished: Unfinished[] = [];
  for (const folder of attemptFolders(stateFolder)) {
    if (existsSync(join(folder, acknowledgedName))) continue;
    const report = readReport(await readJsonFile(join(folder, outcomeName), recordBytesMax));
    if (report !== null) {
      const { task, attempt, fence } = report;
      unfinished.push({ kind: "unreported", key: { task, attempt, fence }, report });
      continue;
    }
    const record: unknown = await readJsonFile(join(folder, attemptName), recordBytesMax);
    const key = readKey(record);
    if (key === null || !isRecord(record)) continue;
    const startedAt = Number(record["started_at"]) || 0;
    unfinished.push({ kind: "cut_short", key, startedAt });
  }
  return unfinished;
}

function attemptFolders(stateFolder: string): string[] {
  const parent = join(stateFolder, "attempts");
  if (!existsSync(parent)) return [];
  return readdirSync(parent).map((name) => join(parent, name));
}

function readReport(value: unknown): Report | null {
  const key = readKey(value);
  if (key === null || !isRecord(value) || !isRecord(value["outcome"])) return null;
  const saved = value["outcome"]["saved"];
  if (isRecord(saved) && !isOid(String(saved["commit"]))) return null;
  return { ...key, outcome: value["outcome"] as Outcome, elapsed_ms: Number(value["elapsed_ms"]) };
}

function readKey(value: unknown): AttemptKey | null {
  if (!isRecord(value)) return null;
  const { task, attempt, fence } = value;
  if (typeof task !== "string" || !isTaskId(task)) return null;
  if (!Number.isSafeInteger(attempt) || !Number.isSafeInteger(fence)) return null;
  return { task, attempt: Number(attempt), fence: Number(fence) };
}

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
