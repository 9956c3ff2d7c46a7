import { closeSync, writeSync } from "node:fs";
import { exitCodeOf } from "../ipc/errors.ts";
import type { Failure } from "../ipc/errors.ts";

/** How whoever started the supervisor learns that it is ready, or why it cannot be. */
export type Readiness = {
  readonly ready: (line: { pid: number; epoch: number }) => void;
  /** Says why, and returns the exit code. */
  readonly failed: (reason: Failure) => number;
};

const readinessFd = 3;

/** Descriptor 3 is a pipe to whoever started us. */
export function pipeReadiness(): Readiness {
  const say = (value: unknown) => {
    try {
      writeSync(readinessFd, `${JSON.stringify(value)}\n`);
      closeSync(readinessFd);
    } catch {
      // Whoever started us does not listen any more.
    }
  };
  return {
    ready: (line) => say({ ready: true, ...line }),
    failed: (reason) => {
      say({ error: reason });
      return exitCodeOf(reason.code);
    },
  };
}

export function foregroundReadiness(): Readiness {
  return {
    ready: () => {},
    failed: (reason) => {
      const hint = reason.hint === null ? "" : `\n${reason.hint}`;
      process.stderr.write(`orchd: ${reason.message}${hint}\n`);
      return exitCodeOf(reason.code);
    },
  };
}
