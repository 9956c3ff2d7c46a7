import { readFileSync } from "node:fs";
import { failure } from "../ipc/errors.ts";
import type { Failure } from "../ipc/errors.ts";

/** Without this many open files Node, SQLite and git fail in the middle of their work, some with a crash. */
export const openFilesMin = 256;
/** Kept free of connections: for workers, the journal, the log, the watchers and the pipes of git. */
export const openFilesReserved = 224;

/** How many files this process may open (the soft limit, which Node raises to the hard one); `null`: not known here. */
export function openFilesLimit(): number | null {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}

/** Why no supervisor can be started under this limit; `null` when one can. */
export function tooFewFiles(limit: number | null): Failure | null {
  if (limit === null || limit >= openFilesMin) return null;
  const message = `Too few open files are allowed: ${limit}, and orchd needs ${openFilesMin}.`;
  return failure("limit", message, {
    hint: "Raise the limit: `ulimit -n 1024`, or LimitNOFILE= of the service.",
  });
}
