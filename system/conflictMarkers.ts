import { git } from "./git.ts";
import type { GitPlace } from "./git.ts";
import type { Oid } from "../ipc/ids.ts";

/**
 * Files in which somebody left a conflict as git marks it: what is new in `after` has `<<<<<<< ` or
 * `>>>>>>> ` at the beginning of a line, and the file has both. A line of seven equal signs alone, as
 * under a heading, is none; what `before` has already (a text about merging) is nobody's leftover.
 * Both are commits or trees. A path is git's bytes, one character a byte (latin1). Throws a `GitError`.
 */
export async function markedPaths(place: GitPlace, before: Oid, after: Oid): Promise<string[]> {
  const mentioning = ["-G", "^(<{7}|>{7}) ", before, after];
  const changed = await pathsOf(place, [...diffingNames, ...mentioning]);
  // Nearly always: nobody pays for the look at whole files.
  if (changed.length === 0) return [];
  const marked = await pathsOf(place, [...searchingNames, ...both, after, "--"]);
  const whole = new Set(marked.map((found) => found.slice(after.length + 1)));
  return changed.filter((path) => whole.has(path));
}

const plainNames = ["--no-renames", "--no-ext-diff", "--no-textconv"] as const;
const diffingNames = ["diff-tree", "-r", "-z", "--name-only", ...plainNames] as const;
const searchingNames = ["grep", "-z", "-l", "-I", "-E", "--all-match"] as const;
const both = ["-e", "^<{7} ", "-e", "^>{7} "] as const;

/** `git grep` that finds nothing says so with code 1. */
async function pathsOf(place: GitPlace, args: readonly string[]): Promise<string[]> {
  const { stdout } = await git(place, args, { bytes: true, accept: [0, 1] });
  return stdout.split("\0").filter(Boolean);
}
