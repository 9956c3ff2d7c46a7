import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
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
  const child = execa(
    process.execPath,
    [...supervisorNodeFlags, entry, "--repo", options.directory, ...flags],
    {
      cwd: "/",
      detached: true,
      cleanup: false,
      stdio: ["ignore", "ignore", said === null ? "ignore" : asDescriptor(said.fd), "pipe"],
      reject: false,
      buffer: false,
    },
  );
  await said?.close();
  const timer = setTimeout(() => child.kill("SIGTERM"), readyTimeoutMs);
  try {
    const line = await firstLine(child.stdio[3]);
    if (line !== null) {
      child.nodeChildProcess.unref();
      return readLine(line);
    }
    const end = await child;
    throw new FailureError(await diedFailure(options.directory, end));
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

/** The types of execa name the descriptors 3 to 9 only; it hands any number to `spawn` unchanged. */
function asDescriptor(fd: number): 3 {
  return fd as 3;
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

async function diedFailure(
  directory: string,
  end: { readonly exitCode?: number | undefined; readonly signal?: string | undefined },
): Promise<Failure> {
  const how = end.signal === undefined ? `exit code ${end.exitCode ?? "unknown"}` : end.signal;
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
