import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { failure, FailureError } from "../ipc/errors.ts";
import type { Failure } from "../ipc/errors.ts";
import { isRecord, readFailure } from "../ipc/message.ts";
import { openFilesLimit, tooFewFiles } from "../system/openFiles.ts";
import { logTail, openStandardError } from "./supervisorLog.ts";
import { supervisorNodeFlags } from "./supervisorFlags.ts";

/**
 * Starts a supervisor as a process of its own and learns when it is ready:
 *
 *     orchd start ──spawn, own session, standard error to a file──► daemon/main
 *          ▲                                                               │
 *          └──────── one JSON line on file descriptor 3, then closed ──────┘
 *
 *     {"ready":true,"pid":4242,"epoch":3}      or      {"error":{"code":…,"message":…,…}}
 *
 * Descriptor 3 closed without a line means that it died; the end of its log tells why.
 */
export type Ready = { readonly pid: number; readonly epoch: number };

export type StartOptions = {
  /** Absolute. */
  readonly directory: string;
  readonly maxParallel: number | null;
};

const readyTimeoutMs = 120_000;
/** For ending, when it was not ready in time. */
const graceMs = 5_000;
const readyLineBytesMax = 64 * 1024;

/**
 * Rejects with a `FailureError`: what the supervisor said of itself, or `internal`.
 *
 * @param entry the program to start; tests name another
 */
export async function startSupervisor(
  options: StartOptions,
  entry: string = entryFile(),
): Promise<Ready> {
  // A supervisor may be too short of files to say so itself.
  const tooFew = tooFewFiles(openFilesLimit());
  if (tooFew !== null) throw new FailureError(tooFew);
  const flags = options.maxParallel === null ? [] : ["--max-parallel", `${options.maxParallel}`];
  const said = await openStandardError(options.directory);
  // By Node alone: to load execa would cost half as much CPU as everything else in `orchd start`.
  const child = spawn(
    process.execPath,
    [...supervisorNodeFlags, entry, "--repo", options.directory, ...flags],
    { cwd: "/", detached: true, stdio: ["ignore", "ignore", said?.fd ?? "ignore", "pipe"] },
  );
  const ended = endOf(child);
  await said?.close();
  let timer = setTimeout(() => {
    child.kill("SIGTERM");
    timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  }, readyTimeoutMs);
  try {
    const line = await firstLine(child.stdio[3]);
    if (line !== null) {
      child.unref();
      return readLine(line);
    }
    throw new FailureError(await diedFailure(options.directory, await ended));
  } finally {
    clearTimeout(timer);
  }
}

/** Runs the supervisor in this process until it ends; for service managers. Returns its exit code. */
export async function runSupervisorHere(options: StartOptions): Promise<number> {
  const loaded = (await import(entryUrl().href)) as {
    main: (options: {
      repo: string;
      flags: { max_parallel?: number };
      foreground: true;
    }) => Promise<number>;
  };
  const flags = options.maxParallel === null ? {} : { max_parallel: options.maxParallel };
  return await loaded.main({ repo: options.directory, flags, foreground: true });
}

/** Beside this file, of the same kind: `.ts` in the sources, `.js` in the package. */
function entryUrl(): URL {
  return new URL(`../daemon/main${extname(new URL(import.meta.url).pathname)}`, import.meta.url);
}

function entryFile(): string {
  return fileURLToPath(entryUrl());
}

async function firstLine(stream: unknown): Promise<string | null> {
  if (!isReadable(stream)) throw new Error("the supervisor has no descriptor 3");
  let text = "";
  for await (const chunk of stream) {
    text += String(chunk);
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
    if (text.length > readyLineBytesMax) return null;
  }
  return null;
}

function isReadable(stream: unknown): stream is AsyncIterable<unknown> {
  return typeof stream === "object" && stream !== null && Symbol.asyncIterator in stream;
}

function readLine(line: string): Ready {
  const said: unknown = parsed(line);
  if (isRecord(said)) {
    const { ready, pid, epoch, error } = said;
    if (ready === true && typeof pid === "number" && typeof epoch === "number")
      return { pid, epoch };
    if (error !== undefined) throw new FailureError(readFailure(error));
  }
  const message = `The supervisor said something else than that it is ready: ${line.slice(0, 200)}`;
  throw new FailureError(failure("internal", message));
}

/** Both are `null` when it could not be started. */
type ProcessEnd = { readonly code: number | null; readonly signal: string | null };

async function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return await new Promise((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

async function diedFailure(directory: string, { code, signal }: ProcessEnd): Promise<Failure> {
  const how = signal ?? `exit code ${code ?? "unknown"}`;
  const tail = await logTail(directory);
  const log = tail === "" ? "It left no word." : `Its last words:\n${tail}`;
  return failure("internal", `The supervisor ended before it was ready (${how}). ${log}`);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
