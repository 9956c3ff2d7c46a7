import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";

/**
 * Runs a short program of ours (git, ps) to its end and returns what it said. An unsuccessful end is
 * a value, not an exception; so is a program that cannot be started (`code: null`, `problem` set).
 * Agents are started elsewhere (`worker/child.ts`): their output goes to files, never through here.
 *
 * Written on Node alone: what execa adds is not needed here, and loading it would take 30 to 70 ms
 * and 8 MB of every start, before the first git can be asked.
 */
export type Finished = {
  /** Exit code; `null` when a signal ended it or it never started. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it could not be started or was given up; `null` when it ran to its end. */
  readonly problem: string | null;
};

export type CaptureOptions = {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
  /** Aborted when nobody wants to know any more: it is killed. */
  readonly signal?: AbortSignal;
  /** Standard output as `latin1`, one character a byte, for names that are not UTF-8. */
  readonly bytes?: boolean;
  readonly outputBytesMax?: number;
};

export const outputBytesMax = 256 * 1024 * 1024;

export async function capture(
  file: string,
  args: readonly string[],
  options: CaptureOptions,
): Promise<Finished> {
  const child = begin(file, args, options);
  if (child instanceof Error) return notStarted(file, child);
  const { promise, resolve } = Promise.withResolvers<Omit<Finished, "stdout" | "stderr">>();
  const giveUp = (problem: string): void => {
    child.kill("SIGKILL");
    // What it started may hold them open.
    child.stdout?.destroy();
    child.stderr?.destroy();
    resolve({ code: null, signal: "SIGKILL", problem });
  };
  const bytesMax = options.outputBytesMax ?? outputBytesMax;
  const tooMuch = (): void => giveUp(`${file} printed too much`);
  const stdout = gather(child.stdout, bytesMax, tooMuch);
  const stderr = gather(child.stderr, bytesMax, tooMuch);
  const timer = options.timeoutMs
    ? setTimeout(() => giveUp(`${file} did not end in time`), options.timeoutMs)
    : undefined;
  const stop = (): void => giveUp(`${file} was not waited for`);
  options.signal?.addEventListener("abort", stop);
  if (options.signal?.aborted === true) stop();
  child.on("error", (error) => resolve(notStarted(file, error)));
  child.on("close", (code, signal) => resolve({ code, signal, problem: null }));
  const end = await promise;
  clearTimeout(timer);
  options.signal?.removeEventListener("abort", stop);
  const encoding = options.bytes === true ? "latin1" : "utf8";
  return { ...end, stdout: stdout().toString(encoding), stderr: stderr().toString("utf8") };
}

function begin(
  file: string,
  args: readonly string[],
  { env, cwd = "/", input }: CaptureOptions,
): ChildProcess | Error {
  try {
    const stdin = input === undefined ? "ignore" : "pipe";
    const child = spawn(file, args, { env, cwd, stdio: [stdin, "pipe", "pipe"] });
    // It may end without having read all of it.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
    return child;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Collects what a stream says; `tooMuch` at the first byte beyond the limit. */
export function gather(
  stream: Readable | null,
  bytesMax: number,
  tooMuch: () => void,
): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) return tooMuch();
    chunks.push(chunk);
  });
  // An error of reading shows as the end of what was read.
  stream?.on("error", () => {});
  return () => Buffer.concat(chunks);
}

export function notStarted(file: string, error: Error): Finished {
  const code = "code" in error ? String(error.code) : "unknown error";
  const problem = `${file} could not be started (${code})`;
  return { code: null, signal: null, stdout: "", stderr: "", problem };
}
