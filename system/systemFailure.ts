import { accessSync, closeSync, constants, lstatSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { failure } from "../ipc/errors.ts";
import type { Failure } from "../ipc/errors.ts";

/**
 * What an error of the operating system means to a person, where the cause is the machine and not a
 * bug: something in the way, no permission, a disk that is full, read-only or broken, too many open
 * files. `null`: anything else.
 */
export function systemFailure(error: unknown): Failure | null {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return null;
  const path = "path" in error && typeof error.path === "string" ? error.path : null;
  const what = path ?? String(error.syscall);
  switch (error.code) {
    case "EEXIST":
    case "ENOTDIR":
      return path === null ? null : inTheWay(path);
    case "ENOENT":
      return path !== null && error.syscall === "mkdir" ? whyNotWritten(present(path)) : null;
    case "EACCES":
    case "EPERM":
      return refused(`${what}: permission denied (${String(error.syscall)}).`);
    case "EROFS":
      return refused(`${what} lies on a read-only file system.`);
    case "ENOSPC":
    case "EDQUOT":
      return failure("disk_full", `There is no space left on the disk of ${what}.`);
    case "EIO":
      return failure(
        "disk_failed",
        `The disk of ${what} fails (${String(error.syscall)}: input/output error).`,
      );
    case "EMFILE":
    case "ENFILE":
      return failure("limit", `Too many open files (${String(error.syscall)}).`, {
        hint: "Raise the limit of open files: `ulimit -n 1024`, or LimitNOFILE= of the service.",
      });
    default:
      return null;
  }
}

/**
 * What the system says to opening a file for reading and writing, where SQLite does not tell. `null`:
 * it can be opened. Not for one that this process has a lock on: closing it again would drop that.
 */
export function whyNotOpened(path: string): Failure | null {
  try {
    closeSync(openSync(path, "r+"));
    return null;
  } catch (error) {
    return systemFailure(error);
  }
}

/**
 * What keeps this user from writing to a file or folder. `null`: nothing. Node says ENOENT of a folder that
 * it was to make with those above it, where the file system is read-only.
 */
export function whyNotWritten(path: string): Failure | null {
  try {
    accessSync(path, constants.W_OK);
    return null;
  } catch (error) {
    return systemFailure(error);
  }
}

/** The path, or the first folder above it that is there. */
function present(path: string): string {
  let at = path;
  while (!exists(at) && at !== dirname(at)) at = dirname(at);
  return at;
}

function inTheWay(path: string): Failure {
  const at = present(path);
  return refused(`${at} is in the way: orchd needs a folder of that name.`);
}

/** Below a file there is nothing, whatever the system calls that. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function refused(message: string): Failure {
  return failure("refused", message);
}
