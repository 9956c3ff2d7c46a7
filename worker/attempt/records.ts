import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Oid, WorkerId } from "../../ipc/ids.ts";
import type { TaskSpec } from "../../ipc/taskSpec.ts";
import type { AttemptKey, Report } from "../../ipc/workerMessages.ts";
import type { ProcessIdentity } from "../../system/processIdentity.ts";
import { outcomeName } from "../../system/attemptOutcome.ts";
import { failpointNow } from "../../system/failpoint.ts";

/**
 * What an attempt leaves in `.aibrain/<worker>/attempts/<task>.<n>/` besides its output, for people
 * and their scripts:
 *
 *     attempt.json        written before anything starts, and again when the base is known
 *     gate-output.log     what the checks printed that sent the task back; absent: none did
 *     conflicts.txt       files that conflict in what it began with; absent: it began with the base alone
 *     outcome.json        written before it is reported
 *
 * Neither is synced: after a crash `attempts.log` counts (attemptLog.ts). The folder may be deleted
 * under a living worker.
 */
export type AttemptRecord = AttemptKey & {
  readonly version: 1;
  readonly kind: "task" | "gate" | "generate";
  readonly worker: WorkerId;
  readonly process: ProcessIdentity;
  /** Milliseconds since the epoch. */
  readonly started_at: number;
  readonly base: Oid | null;
  /** Names of secrets, never their values. `null` for what is not a task. */
  readonly spec: TaskSpec | null;
};

const attemptName = "attempt.json";
const gateOutputName = "gate-output.log";
const conflictsName = "conflicts.txt";
const fileMode = 0o600;
const folderMode = 0o700;

export function attemptFolder(stateFolder: string, key: AttemptKey): string {
  return join(stateFolder, "attempts", `${key.task}.${key.attempt}`);
}

/** Makes the folder anew: the same attempt may have been assigned before and been taken back. */
export function beginRecord(folder: string, record: AttemptRecord): void {
  if (existsSync(folder))
    failpointNow("record.clear", () => rmSync(folder, { recursive: true, force: true }));
  failpointNow("record.attempt", () => writeReadable(join(folder, attemptName), record));
}

export function noteBase(folder: string, record: AttemptRecord, base: Oid): void {
  failpointNow("record.base", () => writeReadable(join(folder, attemptName), { ...record, base }));
}

/** The absolute path of the file. */
export function noteGateOutput(folder: string, output: string): string {
  const path = join(folder, gateOutputName);
  failpointNow("record.gateOutput", () => {
    mkdirSync(folder, { recursive: true, mode: folderMode });
    writeFileSync(path, output, { mode: fileMode });
  });
  return path;
}

/** One a line, as git has them; one with a line break as JSON. The absolute path of the file. */
export function noteConflicts(folder: string, paths: readonly Buffer[]): string {
  const path = join(folder, conflictsName);
  const lines = paths.map((name) =>
    name.includes("\n") ? JSON.stringify(name.toString("utf8")) : name,
  );
  failpointNow("record.conflicts", () => {
    mkdirSync(folder, { recursive: true, mode: folderMode });
    writeFileSync(path, Buffer.concat(lines.flatMap((one) => [Buffer.from(one), newline])), {
      mode: fileMode,
    });
  });
  return path;
}

const newline = Buffer.from("\n");

export function writeOutcome(folder: string, report: Report): void {
  failpointNow("record.outcome", () => writeReadable(join(folder, outcomeName), report));
}

export function hasOutcome(folder: string): boolean {
  return existsSync(join(folder, outcomeName));
}

function writeReadable(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: folderMode });
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`, { mode: fileMode });
}
