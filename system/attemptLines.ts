import { readFileSync, statSync } from "node:fs";
import { isOid, isTaskId } from "../ipc/ids.ts";
import { isRecord } from "../ipc/message.ts";
import type { AttemptKey, Outcome, Report } from "../ipc/workerMessages.ts";

/**
 * `.aibrain/<worker>/attempts.log`: what must be known of a worker's attempts after a crash, one JSON
 * line each.
 *
 *     {"begun":{"task":"t1","attempt":1,"fence":7}}     synced before anything of it starts
 *     {"ended":{"task":"t1",…,"outcome":{…}}}           synced before it is reported
 *     {"acknowledged":{"task":"t1",…}}                  not synced: lost, the report only comes twice,
 *                                                       and its fence makes it count once
 *
 * Begun and not ended: it was cut short. Ended and not acknowledged: it is reported again. The next
 * process of the worker reads it, and the supervisor does when it finds the worker dead: an outcome
 * that is stored counts. A line that is not whole was never relied on, and ends the reading; NUL bytes
 * follow the last line.
 */
export type AttemptLine =
  | { readonly begun: AttemptKey }
  | { readonly ended: Report }
  | { readonly acknowledged: AttemptKey };

export type Unfinished =
  | { readonly kind: "cut_short"; readonly key: AttemptKey }
  | { readonly kind: "unreported"; readonly key: AttemptKey; readonly report: Report };

/** In the worker's folder. */
export const attemptLogName = "attempts.log";
const readBytesMax = 64 * 1024 * 1024;

/** By name of the attempt, oldest first; empty where there is no such file. */
export function readUnfinished(path: string): Map<string, Unfinished> {
  const open = new Map<string, Unfinished>();
  for (const line of readLines(path)) takeLine(open, line);
  return open;
}

/** Outcomes that nobody has acknowledged. */
export function readStoredReports(path: string): Report[] {
  return [...readUnfinished(path).values()].flatMap((open) =>
    open.kind === "unreported" ? [open.report] : [],
  );
}

export function takeLine(open: Map<string, Unfinished>, line: AttemptLine): void {
  if ("begun" in line) open.set(nameOf(line.begun), { kind: "cut_short", key: line.begun });
  else if ("acknowledged" in line) open.delete(nameOf(line.acknowledged));
  else {
    const { ended: report } = line;
    const { task, attempt, fence } = report;
    open.set(nameOf(report), { kind: "unreported", key: { task, attempt, fence }, report });
  }
}

function nameOf({ task, attempt, fence }: AttemptKey): string {
  return `${task}.${attempt} ${fence}`;
}

function readLines(path: string): AttemptLine[] {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined || !entry.isFile() || entry.size > readBytesMax) return [];
  const text = readFileSync(path, "utf8");
  const end = text.indexOf("\0");
  const lines: AttemptLine[] = [];
  for (const written of (end < 0 ? text : text.slice(0, end)).split("\n")) {
    const line = readLine(written);
    if (line === null) break;
    lines.push(line);
  }
  return lines;
}

function readLine(written: string): AttemptLine | null {
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { begun, ended, acknowledged } = value;
  const report = readReport(ended);
  if (report !== null) return { ended: report };
  const key = readKey(begun ?? acknowledged);
  if (key === null) return null;
  return begun === undefined ? { acknowledged: key } : { begun: key };
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
