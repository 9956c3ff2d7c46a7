import { execa } from "execa";
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
  const child = execa(file, words, {
    cwd,
    // Inside an attempt (or another lock) the command belongs to that one as well.
    env: {
      ...env,
      [env[markerVariable] === undefined ? markerVariable : lockMarkerVariable]: marker,
    },
    extendEnv: false,
    stdio: "inherit",
    buffer: false,
    reject: false,
    cleanup: false,
    forceKillAfterDelay: graceMs,
  });
  return {
    exit: child.then((end) => {
      if (end.signal !== undefined) return 128 + constants.signals[end.signal];
      if (end.exitCode !== undefined) return end.exitCode;
      throw new FailureError(failure("usage", `lock: ${end.shortMessage ?? "it did not start"}`));
    }),
    end: () => void child.kill("SIGTERM"),
    sweep: async () => {
      await endMarked(marker, { graceMs, sharesGroups: true, since: ownIdentity().startTime });
    },
  };
}
