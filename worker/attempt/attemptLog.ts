import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { isOid, isTaskId } from "../../ipc/ids.ts";
import { isRecord } from "../../ipc/message.ts";
import type { AttemptKey, Outcome, Report } from "../../ipc/workerMessages.ts";
import { writeDurablyNow } from "../../system/durableFile.ts";
import { keyOf, nameOf } from "../reports.ts";
import { failpointNow } from "../../system/failpoint.ts";

/**
 * `attempts.log`: what a worker must know again after a crash, one JSON line each.
 *
 *     {"begun":{"task":"t1","attempt":1,"fence":7}}     synced before anything of it starts
 *     {"ended":{"task":"t1",…,"outcome":{…}}}           synced before it is reported
 *     {"acknowledged":{"task":"t1",…}}                  not synced: lost, the report only comes twice,
 *                                                       and its fence makes it count once
 *
 * Begun and not ended: it was cut short. Ended and not acknowledged: it is reported again. The next
 * process of the worker reads it; a line that is not whole was never relied on, and ends the reading.
 *
 * The file is filled with NUL bytes first and the lines are written over them, so a sync has data to
 * write and nothing else: appending to it, or files of their own, would make it wait for the file
 * system's journal, and with it everybody who makes a file meanwhile (0.2 ms against 0.9, measured).
 * When it is full, at the first line of a process, and when it was deleted, a new file with the lines
 * that still count takes its place. Writing is synchronous (durableFile.ts says why).
 */
export type Unfinished =
  | { readonly kind: "cut_short"; readonly key: AttemptKey }
  | { readonly kind: "unreported"; readonly key: AttemptKey; readonly report: Report };

type Line =
  | { readonly begun: AttemptKey }
  | { readonly ended: Report }
  | { readonly acknowledged: AttemptKey };

const stepBytes = 64 * 1024;
/** `.aibrain/<worker>`, `.aibrain` and the working tree, where `.aibrain` is an entry. */
const foldersAbove = 3;
const readBytesMax = 64 * 1024 * 1024;

export class AttemptLog implements Disposable {
  readonly #path: string;
  readonly #open = new Map<string, Unfinished>();
  #file: number | null = null;
  #at = 0;
  #length = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** What an earlier process left open. To be called once, before anything is written. */
  takeOver(): readonly Unfinished[] {
    for (const line of readLines(this.#path)) this.#take(line);
    return [...this.#open.values()];
  }

  /** Durable when it returns. Throws what the disk says; then it may or may not be there. */
  begin(key: AttemptKey): void {
    this.#add({ begun: keyOf(key) }, true);
  }

  /** The same. */
  end(report: Report): void {
    this.#add({ ended: report }, true);
  }

  /** Without effect for what was never begun or ended. */
  acknowledge(key: AttemptKey): void {
    if (this.#open.has(nameOf(key))) this.#add({ acknowledged: keyOf(key) }, false);
  }

  [Symbol.dispose](): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #take(line: Line): void {
    if ("begun" in line) this.#open.set(nameOf(line.begun), { kind: "cut_short", key: line.begun });
    else if ("acknowledged" in line) this.#open.delete(nameOf(line.acknowledged));
    else {
      const { ended: report } = line;
      this.#open.set(nameOf(report), { kind: "unreported", key: keyOf(report), report });
    }
  }

  #add(line: Line, sync: boolean): void {
    this.#take(line);
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    if (this.#file === null || this.#at + bytes.length > this.#length || isDeleted(this.#file))
      return this.#startOver();
    const file = this.#file;
    failpointNow("attempts.write", () => writeSync(file, bytes, 0, bytes.length, this.#at));
    this.#at += bytes.length;
    if (sync) failpointNow("attempts.sync", () => fdatasyncSync(file));
  }

  #startOver(): void {
    const lines = [...this.#open.values()].map((open) => `${JSON.stringify(lineOf(open))}\n`);
    const text = Buffer.from(lines.join(""));
    const content = Buffer.alloc((Math.floor(text.length / stepBytes) + 1) * stepBytes);
    text.copy(content);
    this[Symbol.dispose]();
    failpointNow("attempts.renew", () =>
      writeDurablyNow(this.#path, content, { mode: 0o600, levels: foldersAbove }),
    );
    this.#file = openSync(this.#path, constants.O_WRONLY | constants.O_NOFOLLOW);
    this.#at = text.length;
    this.#length = content.length;
  }
}

function lineOf(open: Unfinished): Line {
  return open.kind === "unreported" ? { ended: open.report } : { begun: open.key };
}

/** With `.aibrain`, under the living worker. */
function isDeleted(file: number): boolean {
  return fstatSync(file).nlink === 0;
}

function readLines(path: string): Line[] {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined || !entry.isFile() || entry.size > readBytesMax) return [];
  const text = readFileSync(path, "utf8");
  const end = text.indexOf("\0");
  const lines: Line[] = [];
  for (const written of (end < 0 ? text : text.slice(0, end)).split("\n")) {
    const line = readLine(written);
    if (line === null) break;
    lines.push(line);
  }
  return lines;
}

function readLine(written: string): Line | null {
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
