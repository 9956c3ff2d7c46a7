import { execa } from "execa";

/**
 * Runs a short program of ours (git, ps) to its end and returns what it said. An unsuccessful end is
 * a value, not an exception; so is a program that cannot be started (`code: null`, `problem` set).
 * Agents are started elsewhere (`worker/child.ts`): their output goes to files, never through here.
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
  const result = await execa(file, args, {
    env: options.env,
    extendEnv: false,
    cwd: options.cwd ?? "/",
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    timeout: options.timeoutMs ?? 0,
    killSignal: "SIGKILL",
    maxBuffer: options.outputBytesMax ?? outputBytesMax,
    reject: false,
    stripFinalNewline: false,
    encoding: options.bytes === true ? "latin1" : "utf8",
  });
  return {
    code: result.exitCode ?? null,
    signal: result.signal ?? null,
    stdout: result.stdout,
    stderr: result.stderr,
    problem: problemOf(result, file),
  };
}

function problemOf(
  result: {
    timedOut: boolean;
    isMaxBuffer: boolean;
    code?: string | undefined;
    exitCode?: number | undefined;
    signal?: string | undefined;
  },
  file: string,
): string | null {
  if (result.timedOut) return `${file} did not end in time`;
  if (result.isMaxBuffer) return `${file} printed too much`;
  if (result.exitCode === undefined && result.signal === undefined)
    return `${file} could not be started (${result.code ?? "unknown error"})`;
  return null;
}
