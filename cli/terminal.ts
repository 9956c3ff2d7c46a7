import { createReadStream, writeSync } from "node:fs";
import type { Readable } from "node:stream";
import { isatty } from "node:tty";
import { exitCodeOf, failure } from "../ipc/errors.ts";
import { failureJson, failureText } from "./render/failure.ts";
import { painter } from "./render/paint.ts";
import { readWords } from "./words.ts";

/**
 * Where a command reads and writes. Tests put a recording in its place; nothing else in `cli/`
 * touches `process`.
 */
export type Terminal = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
  /** Standard input from its beginning. */
  readonly input: () => Readable;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Takes Ctrl-C and a polite end over until the returned function is called. */
  readonly onInterrupt: (listener: () => void) => () => void;
};

export type Output = {
  readonly isTerminal: boolean;
  readonly colour: boolean;
  readonly columns: () => number;
  readonly rows: () => number;
  readonly write: (chunk: string | Uint8Array) => void;
  /** Resolves when everything written has left; at once when nobody reads any more. */
  readonly flush: () => Promise<void>;
  readonly onResize: (listener: () => void) => () => void;
};

/** As a shell reports a program that SIGINT or a closed pipe ended. */
export const interruptedExit = 130;
const brokenPipeExit = 141;
const columnsWithoutTerminal = 120;
const rowsWithoutTerminal = 50;

export function processTerminal(): Terminal {
  return {
    cwd: process.cwd(),
    env: process.env,
    out: outputOf(process.stdout, isatty(1), endUnwritten),
    // What went wrong is not lost with its words: the exit code says it.
    err: outputOf(process.stderr, isatty(2), () => undefined),
    input: () => createReadStream("", { fd: 0, autoClose: false }),
    now: Date.now,
    onInterrupt: (listener) => {
      const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
      for (const signal of signals) process.on(signal, listener);
      return () => signals.forEach((signal) => process.off(signal, listener));
    },
  };
}

function outputOf(
  stream: NodeJS.WriteStream,
  isTerminal: boolean,
  onFailure: (error: NodeJS.ErrnoException) => void,
): Output {
  // A reader that went away (`| head`) is no failure, and there is nobody left to tell.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(brokenPipeExit);
    onFailure(error);
  });
  return {
    isTerminal,
    colour: hasColour(isTerminal, process.env),
    columns: () => (isTerminal ? stream.columns || 80 : columnsWithoutTerminal),
    rows: () => (isTerminal ? stream.rows || 24 : rowsWithoutTerminal),
    write: (chunk) => void stream.write(chunk),
    flush: () => new Promise((resolve) => void stream.write("", () => resolve())),
    onResize: (listener) => {
      stream.on("resize", listener);
      return () => stream.off("resize", listener);
    },
  };
}

/** Half an answer must not pass for a whole one: a disk that is full or fails ends the command. */
function endUnwritten(error: NodeJS.ErrnoException): never {
  const isFull = error.code === "ENOSPC" || error.code === "EDQUOT";
  const message = `standard output cannot be written: ${error.message}`;
  const reason = failure(isFull ? "disk_full" : "disk_failed", message);
  const { json } = readWords(process.argv.slice(2));
  const text = json ? failureJson(reason) : failureText(reason, painter(false));
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // Standard error may lead to the same disk.
  }
  return process.exit(exitCodeOf(reason.code));
}

/** https://no-color.org and https://force-color.org: set and not empty counts. */
export function hasColour(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  if ((env["FORCE_COLOR"] ?? "") !== "") return env["FORCE_COLOR"] !== "0";
  return isTerminal && env["TERM"] !== "dumb";
}
