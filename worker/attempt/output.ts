import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";

/** How much of the end of a file is looked at for its last line. */
const tailBytes = 4096;
const lastLineMax = 200;

/**
 * The output files of a program, watched from outside while it writes into them itself. They are
 * held open, so their size is still known after somebody deleted `.aibrain`.
 */
export class Output implements Disposable {
  readonly paths: readonly string[];
  #files: readonly number[];
  #closedBytes = 0;

  /** Makes the files (0600) and the folders above them where they are missing. Throws what `open` throws. */
  constructor(paths: readonly string[]) {
    this.paths = paths;
    const opened: number[] = [];
    try {
      for (const path of paths) opened.push(openMaking(path));
    } catch (error) {
      opened.forEach((file) => closeSync(file));
      throw error;
    }
    this.#files = opened;
  }

  /** Of all files together. */
  bytes(): number {
    return this.#files.reduce((sum, file) => sum + fstatSync(file).size, this.#closedBytes);
  }

  /** Of the file that was written last; see `lastLineOf`. */
  lastLine(): string | null {
    const newest = this.#files
      .map((file) => ({ file, at: fstatSync(file).mtimeMs, size: fstatSync(file).size }))
      .filter(({ size }) => size > 0)
      .toSorted((a, b) => b.at - a.at)[0];
    return newest === undefined
      ? null
      : lastLineOf(tailOf(newest.file, tailBytes).toString("utf8"));
  }

  /** The last `bytes` of the first file, from `start` on. */
  tail(bytes: number, start: number): Buffer {
    const [file] = this.#files;
    return file === undefined ? Buffer.alloc(0) : tailOf(file, bytes, start);
  }

  [Symbol.dispose](): void {
    // Heartbeats go on looking for a moment after the program is over.
    this.#closedBytes = this.bytes();
    this.#files.forEach((file) => closeSync(file));
    this.#files = [];
  }
}

/**
 * The last line that has ended and is not blank, without escape sequences and control characters, at
 * most 200 characters; of a line that was redrawn with carriage returns, what it shows in the end.
 */
export function lastLineOf(text: string): string | null {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  for (const line of whole.toReversed()) {
    const shown = line
      .replaceAll(escapeSequence, "")
      .split("\r")
      .map((part) => part.replaceAll(/\p{Cc}/gu, " ").trim())
      .findLast((part) => part !== "");
    if (shown !== undefined) return Array.from(shown).slice(0, lastLineMax).join("");
  }
  return null;
}

const escape = "\u001b";
const bell = "\u0007";
/** Operating system commands (titles, links), control sequences (colours, cursor), others; ECMA-48. */
const escapeSequence = new RegExp(
  [
    `${escape}\\][^${bell}${escape}]*(?:${bell}|${escape}\\\\)`,
    `${escape}\\[[0-?]*[ -/]*[@-~]`,
    `${escape}[@-Z\\\\^_]`,
  ].join("|"),
  "gu",
);

function openMaking(path: string): number {
  try {
    return openSync(path, openFlags, 0o600);
  } catch {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, openFlags, 0o600);
  }
}

const openFlags = constants.O_RDONLY | constants.O_CREAT | constants.O_NOFOLLOW;

function tailOf(file: number, bytes: number, start = 0): Buffer {
  const { size } = fstatSync(file);
  const from = Math.max(start, size - bytes);
  const buffer = Buffer.alloc(Math.max(0, size - from));
  const read = readSync(file, buffer, 0, buffer.length, from);
  return buffer.subarray(0, read);
}
