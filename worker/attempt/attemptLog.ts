import { closeSync, constants, fdatasyncSync, fstatSync, openSync, writeSync } from "node:fs";
import type { AttemptKey, Report } from "../../ipc/workerMessages.ts";
import { readUnfinished, takeLine } from "../../system/attemptLines.ts";
import type { AttemptLine, Unfinished } from "../../system/attemptLines.ts";
import { writeDurablyNow } from "../../system/durableFile.ts";
import { keyOf, nameOf } from "../reports.ts";
import { failpointNow } from "../../system/failpoint.ts";

/**
 * Writes `attempts.log`, whose lines system/attemptLines.ts explains.
 *
 * The file is filled with NUL bytes first and the lines are written over them, so a sync has data to
 * write and nothing else: appending to it, or files of their own, would make it wait for the file
 * system's journal, and with it everybody who makes a file meanwhile (0.2 ms against 0.9, measured).
 * When it is full, at the first line of a process, and when it was deleted, a new file with the lines
 * that still count takes its place. Writing is synchronous (durableFile.ts says why).
 */
const stepBytes = 64 * 1024;
/** `.aibrain/<worker>`, `.aibrain` and the working tree, where `.aibrain` is an entry. */
const foldersAbove = 3;

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
    for (const [name, open] of readUnfinished(this.#path)) this.#open.set(name, open);
    return [...this.#open.values()];
  }

  /** Folders of attempts that are open or not acknowledged (`<task>.<n>`). */
  openFolders(): ReadonlySet<string> {
    return new Set([...this.#open.values()].map(({ key }) => `${key.task}.${key.attempt}`));
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

  #add(line: AttemptLine, sync: boolean): void {
    takeLine(this.#open, line);
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

function lineOf(open: Unfinished): AttemptLine {
  return open.kind === "unreported" ? { ended: open.report } : { begun: open.key };
}

/** With `.aibrain`, under the living worker. */
function isDeleted(file: number): boolean {
  return fstatSync(file).nlink === 0;
}
