import type { ChildProcess } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { Argv } from "../ipc/taskSpec.ts";
import { asDescriptor } from "../system/descriptor.ts";
import { becomeSubreaper } from "../system/native.ts";
import { markerVariable } from "../system/marker.ts";
import { adoptedChildren } from "../system/processFamily.ts";
import type { Family } from "../system/processFamily.ts";
import { identityOf } from "../system/processIdentity.ts";
import type { ProcessIdentity } from "../system/processIdentity.ts";
import { endFamily, endGroup } from "../system/processTree.ts";
import type { Ended, EndOptions } from "../system/processTree.ts";
import { findProgram } from "./program.ts";
import { tether } from "../system/tether.ts";

/**
 * The one program of an attempt, and everything it starts.
 *
 *     startChild ──► running ──► exited (of the direct child) ──► sweep ──► nothing is left
 *                       └──────► end: SIGTERM, grace, SIGKILL ──────────────► nothing is left
 *
 * The child gets a session of its own, nothing on standard input, and files as output: no pipe, so
 * it never blocks on this process, and a background process that keeps its output open delays
 * nothing. It dies with the worker (tether.ts). Its descendants are found by what
 * `system/processFamily.ts` lists; none outlives `end` or `sweep`.
 */
export type Child = {
  readonly pid: number;
  readonly identity: ProcessIdentity;
  /** Settles when the direct child has ended; never rejects. Exactly one of the two is not `null`. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Ends the child and everything it started. Resolves when nothing is left, or `graceMs` + 5 s later. */
  readonly end: (options: EndOptions) => Promise<Ended>;
  /**
   * To be called after `exited`: ends what the child left running, and returns how many processes
   * that were. Nothing left is the usual case: with koffi it is proved in about 20 µs, without it by
   * two looks through `/proc`.
   */
  readonly sweep: (options: EndOptions) => Promise<number>;
};

export type ChildRequest = {
  readonly argv: Argv;
  /** Absolute. */
  readonly cwd: string;
  /** All of it: nothing is inherited. `PATH` is where the program is searched. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute paths of files that are appended to, and made if absent. */
  readonly stdout: string;
  /** Or the word `stdout`: into the same file, in the order it is written. */
  readonly stderr: string;
  /** Value of `ORCHD_ATTEMPT`: unique among everything that may run on this machine. */
  readonly marker: string;
};

export type Start =
  | { readonly ok: true; readonly child: Child }
  /** A sentence for the person who wrote the task. */
  | { readonly ok: false; readonly message: string };

type Starter = {
  readonly execa: typeof import("execa").execa;
  readonly prefix: readonly string[];
  readonly adopting: boolean;
};

/** Direct children that have not ended: number → marker. */
const running = new Map<number, string>();
let starter: Promise<Starter> | undefined;

/** Loads and finds out what `startChild` needs (about 60 ms and 17 MB, once), before the first task asks for it. */
export async function prepareToStart(): Promise<void> {
  starter ??= makeStarter();
  await starter;
}

/**
 * Starts a program with its output in files. Not started: the program or the folder is not there,
 * cannot be executed, its output cannot be written, or the machine has no process left to give.
 */
export async function startChild(request: ChildRequest): Promise<Start> {
  starter ??= makeStarter();
  const { execa, prefix, adopting } = await starter;
  const { argv, cwd, env, marker } = request;
  if ([...argv, cwd].some((word) => word.includes("\0")))
    return {
      ok: false,
      message: "the command holds a NUL character, which no program can be given",
    };
  const program = findProgram(argv[0], { cwd, path: env["PATH"] ?? "" });
  if (!program.ok) return program;
  const outputs = openOutputs(request);
  if (!outputs.ok) return outputs;
  const [file, ...args] = [...prefix, program.file, ...argv.slice(1)] as [string, ...string[]];
  const subprocess = execa(file, args, {
    cwd,
    env: { ...env, [markerVariable]: marker },
    extendEnv: false,
    detached: true,
    stdin: "ignore",
    stdout: asDescriptor(outputs.stdout),
    stderr: asDescriptor(outputs.stderr),
    buffer: false,
    cleanup: false,
    reject: false,
  });
  outputs.close();
  const { pid } = subprocess;
  const identity = pid === undefined ? undefined : identityOf(pid);
  if (identity === undefined) {
    subprocess.kill("SIGKILL");
    const { originalMessage } = await subprocess;
    return { ok: false, message: `${program.file} could not be started: ${originalMessage}` };
  }
  return {
    ok: true,
    child: makeChild(subprocess.nodeChildProcess, { identity, marker, adopting }),
  };
}

async function makeStarter(): Promise<Starter> {
  // First of all: what an orphan's ancestor did not start under a subreaper is not adopted.
  const adopting = becomeSubreaper();
  const [{ execa }, prefix] = await Promise.all([import("execa"), tether()]);
  return { execa, prefix, adopting };
}

function makeChild(
  subprocess: ChildProcess,
  { identity, marker, adopting }: { identity: ProcessIdentity; marker: string; adopting: boolean },
): Child {
  const { pid } = identity;
  running.set(pid, marker);
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    // Not `close`, which waits for whoever else holds the output open.
    subprocess.once("exit", (code, signal) => {
      running.delete(pid);
      resolve({ code, signal });
    });
  });
  const endAll = async (options: EndOptions): Promise<Ended> => {
    if (process.platform !== "linux") return await endGroup(pid, options);
    const others = new Map([...running].filter(([other]) => other !== pid));
    const family: Family = { marker, root: identity, adopting, since: identity.startTime, others };
    const ended = await endFamily(family, options);
    if (adopting) adoptedChildren(running);
    return ended;
  };
  return {
    pid,
    identity,
    exited,
    end: async (options) => {
      const ended = await endAll(options);
      if (ended.left === 0) await exited;
      return ended;
    },
    sweep: async (options) => {
      if (adopting && adoptedChildren(running).length === 0) return 0;
      return (await endAll(options)).found;
    },
  };
}

type Outputs = {
  readonly ok: true;
  readonly stdout: number;
  readonly stderr: number;
  readonly close: () => void;
};

function openOutputs({ stdout, stderr }: ChildRequest): Outputs | { ok: false; message: string } {
  const opened: number[] = [];
  const close = (): void => opened.forEach((fd) => closeSync(fd));
  const open = (path: string): number => {
    const fd = openWithFolder(path);
    opened.push(fd);
    return fd;
  };
  try {
    const first = open(stdout);
    return { ok: true, stdout: first, stderr: stderr === "stdout" ? first : open(stderr), close };
  } catch (error) {
    close();
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, message: `the output cannot be written: ${reason}` };
  }
}

/** The folder may be removed at any moment, also between making it and opening a file in it. */
function openWithFolder(path: string, triesLeft = folderTries): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, outputFlags, 0o600);
  } catch (error) {
    const removed = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (!removed || triesLeft === 1) throw error;
    return openWithFolder(path, triesLeft - 1);
  }
}

const folderTries = 5;

/** Appending, so that what two processes write at once does not overwrite each other; never through a link. */
const outputFlags =
  constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
