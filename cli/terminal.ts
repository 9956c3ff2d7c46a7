import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { isatty } from "node:tty";

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
    out: outputOf(process.stdout, isatty(1)),
    err: outputOf(process.stderr, isatty(2)),
    input: () => createReadStream("", { fd: 0, autoClose: false }),
    now: Date.now,
    onInterrupt: (listener) => {
      const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
      for (const signal of signals) process.on(signal, listener);
      return () => signals.forEach((signal) => process.off(signal, listener));
    },
  };
}

function outputOf(stream: NodeJS.WriteStream, isTerminal: boolean): Output {
  // A reader that went away (`| head`) is no failure, and there is nobody left to tell.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(brokenPipeExit);
    throw error;
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

/** https://no-color.org and https://force-color.org: set and not empty counts. */
export function hasColour(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  if ((env["FORCE_COLOR"] ?? "") !== "") return env["FORCE_COLOR"] !== "0";
  return isTerminal && env["TERM"] !== "dumb";
}
