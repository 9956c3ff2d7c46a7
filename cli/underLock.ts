import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { endMarked } from "../system/processTree.ts";
import { failure, FailureError } from "../ipc/errors.ts";
import { lockMarkerVariable, markerVariable } from "../system/marker.ts";
import { ownIdentity } from "../system/processIdentity.ts";
import { tether } from "../system/tether.ts";

/**
 * A command that runs while a lock is held: on this terminal, with this environment, and no longer
 * than this process lives. The kernel ends it when this process is killed; what it left behind in the
 * background is found by its marker, here or by the supervisor.
 */
export type UnderLock = {
  /** The exit code, 128 and the number of the signal that ended it. */
  readonly exit: Promise<number>;
  /** Asks it to end, and kills it when it has not after the grace. */
  readonly end: () => void;
  /** Ends what it left in the background. */
  readonly sweep: () => Promise<void>;
};

export type UnderLockOptions = {
  readonly commandLine: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly marker: string;
};

const graceMs = 5_000;

/** Rejects with a `FailureError` `usage` when the command cannot be started. */
export async function startUnderLock(options: UnderLockOptions): Promise<UnderLock> {
  const { cwd, env, marker } = options;
  const [file = "", ...words] = [...(await tether()), ...options.commandLine];
  // Inside an attempt (or another lock) the command belongs to that one as well.
  const variable = env[markerVariable] === undefined ? markerVariable : lockMarkerVariable;
  const child = begin(file, words, { cwd, env: { ...env, [variable]: marker } });
  let killTimer: NodeJS.Timeout | undefined;
  return {
    exit: exitOf(child, file).finally(() => clearTimeout(killTimer)),
    end: () => {
      if (child.kill("SIGTERM")) killTimer ??= setTimeout(() => child.kill("SIGKILL"), graceMs);
    },
    sweep: async () => {
      await endMarked(marker, { graceMs, sharesGroups: true, since: ownIdentity().startTime });
    },
  };
}

function begin(
  file: string,
  words: readonly string[],
  { cwd, env }: Pick<UnderLockOptions, "cwd" | "env">,
): ChildProcess {
  try {
    return spawn(file, words, { cwd, env, stdio: "inherit" });
  } catch (error) {
    throw notStarted(file, error);
  }
}

async function exitOf(child: ChildProcess, file: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    child.once("error", (error) => reject(notStarted(file, error)));
    child.once("exit", (code, signal) =>
      resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal]),
    );
  });
}

function notStarted(file: string, error: unknown): FailureError {
  const reason = error instanceof Error ? error.message : String(error);
  return new FailureError(failure("usage", `lock: ${file} did not start: ${reason}`));
}
