import { accessSync, constants, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { delimiter, isAbsolute, resolve } from "node:path";

/**
 * Finds a program the way a shell would, before anything is started: what goes wrong later, between
 * fork and exec, can only be told as an exit code.
 */
export type Found =
  | { readonly ok: true; readonly file: string }
  /** A sentence for the person who wrote the task. */
  | { readonly ok: false; readonly message: string };

export type Where = {
  /** Absolute; a name with a slash in it is relative to this. */
  readonly cwd: string;
  /** The task's own search path, folders separated by `:`. */
  readonly path: string;
};

/** `name`: the first word of a command. Returns an absolute path that can be executed. */
export function findProgram(name: string, { cwd, path }: Where): Found {
  if (name === "") return { ok: false, message: "the command is empty" };
  if (!isFolder(cwd)) return { ok: false, message: `there is no folder ${cwd} to start in` };
  if (name.includes("/")) return inspected(resolve(cwd, name));
  const candidates = path.split(delimiter).map((folder) => resolve(cwd, folder, name));
  const file = candidates.find((candidate) => problemOf(candidate) === null);
  if (file !== undefined) return { ok: true, file };
  const useless = candidates.find((candidate) => !absences.has(problemOf(candidate) ?? ""));
  if (useless !== undefined) return inspected(useless);
  return { ok: false, message: `program not found: ${name} (searched in ${path || "nothing"})` };
}

function inspected(file: string): Found {
  if (!isAbsolute(file)) throw new Error(`not an absolute path: ${file}`);
  const problem = problemOf(file);
  if (problem === null) return { ok: true, file };
  if (problem === "is not there") return { ok: false, message: `program not found: ${file}` };
  return { ok: false, message: `program cannot be executed: ${file} ${problem}` };
}

/** A folder of `PATH` that this user may not enter has nothing, as for a shell: `sudo -u` leaves root's. */
const absences: ReadonlySet<string> = new Set(["is not there", "cannot be looked at"]);

function problemOf(file: string): string | null {
  const entry = entryOf(file);
  if (entry === null) return "cannot be looked at";
  if (entry === undefined) return "is not there";
  if (!entry.isFile()) return "is not a file";
  try {
    accessSync(file, constants.X_OK);
    return null;
  } catch {
    return "has no permission to execute";
  }
}

function entryOf(file: string): Stats | undefined | null {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return null;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
