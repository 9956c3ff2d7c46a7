import { open } from "node:fs/promises";
import { join } from "node:path";
import { asDescriptor } from "../../system/descriptor.ts";
import { judge } from "../../system/processIdentity.ts";
import { signalProcess } from "../../system/processFamily.ts";
import type { ProcessIdentity } from "../../system/processIdentity.ts";
import type { WorkerId } from "../../ipc/ids.ts";

/**
 * Starts a worker's process: detached, its output in a file and never in a pipe, so that a dead
 * supervisor does not break it. It finds the supervisor by itself and dials in.
 */
export type WorkerProcess = {
  readonly pid: number;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  readonly kill: (signal: "SIGTERM" | "SIGKILL") => void;
};

export type StartOptions = {
  readonly worker: WorkerId;
  /** The worker's folder under `.aibrain`. */
  readonly folder: string;
  readonly stateDir: string;
  readonly logs: string;
  readonly token: string;
  /** Absolute, the entry of the worker program. */
  readonly entry: string;
  readonly path: string;
};

const inheritedVariables = [
  "HOME",
  "LANG",
  "LC_ALL",
  "TMPDIR",
  "USER",
  "LOGNAME",
  "SHELL",
] as const;
const passedThrough =
  /^(?:XDG_|ORCHD_TEST_|ORCHD_NO_NATIVE$|NODE_COMPILE_CACHE$|NODE_V8_COVERAGE$)/;
const adoptedPollMs = 250;
/**
 * MB for what V8 has just made. It would let that grow to 16 before it looks what is still needed: a
 * busy worker is 15 MB smaller this way, and no slower. A smaller process also forks faster.
 */
const youngSpaceMb = 2;

export async function startWorkerProcess(options: StartOptions): Promise<WorkerProcess> {
  const { execa } = await import("execa");
  const log = await open(join(options.logs, `${options.worker}.log`), "a", 0o600);
  try {
    const child = execa(
      process.execPath,
      [`--max-semi-space-size=${youngSpaceMb}`, options.entry],
      {
        env: workerEnvironment(options),
        extendEnv: false,
        cwd: "/",
        detached: true,
        cleanup: false,
        // By default execa kills 5 s after a SIGTERM: how long a worker may save its work is not its business.
        forceKillAfterDelay: false,
        buffer: false,
        reject: false,
        stdin: "ignore",
        stdout: asDescriptor(log.fd),
        stderr: asDescriptor(log.fd),
      },
    );
    const { pid } = child;
    // A worker may outlive us: its handle must not keep a supervisor that has ended.
    child.nodeChildProcess.unref();
    if (pid === undefined) throw new Error(`${process.execPath} could not be started`);
    return {
      pid,
      gone: child.then(() => {}),
      kill: (signal) => void child.kill(signal),
    };
  } finally {
    await log.close();
  }
}

/** A worker that an earlier supervisor started and that still runs; it is not a child of ours. */
export function adoptWorkerProcess(identity: ProcessIdentity): WorkerProcess {
  const gone = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (judge(identity) === "alive") return;
      clearInterval(timer);
      resolve();
    }, adoptedPollMs);
    timer.unref();
  });
  return {
    pid: identity.pid,
    gone,
    kill: (signal) => void signalProcess(identity, signal),
  };
}

function workerEnvironment(options: StartOptions): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    ([name, value]) =>
      value !== undefined &&
      ((inheritedVariables as readonly string[]).includes(name) || passedThrough.test(name)),
  );
  return {
    ...Object.fromEntries(inherited.map(([name, value]) => [name, value ?? ""])),
    PATH: options.path,
    ORCHD_WORKER: options.worker,
    ORCHD_WORKER_DIR: options.folder,
    ORCHD_WORKER_TOKEN: options.token,
    ORCHD_STATE_DIR: options.stateDir,
  };
}
