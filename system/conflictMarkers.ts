import { git } from "./git.ts";
import type { GitPlace } from "./git.ts";
import type { Oid } from "../ipc/ids.ts";

/**
 * Finds what somebody left of a conflict as git marks it:
 *
 *     <<<<<<< orchd/main
 *     what landed
 *     =======
 *     what the task wrote
 *     >>>>>>> attempt-1
 *
 * A file has a leftover when it has lines of both outer kinds, and one of them stood in none of the
 * versions that were merged. So a text about merging, or a fixture of one, is nobody's leftover, however
 * the marks in it came together; nor is a line of seven equal signs alone, as under a heading.
 */
export type MarksRequest = {
  /** What was changed, and what came of it. Commits or trees. */
  readonly before: Oid;
  readonly after: Oid;
  /** The other versions that were merged into it. */
  readonly sides: readonly Oid[];
  /** Where to look; `null`: in every file that was changed. */
  readonly among: ReadonlySet<string> | null;
};

/** The files with a leftover. A path is git's bytes, one character a byte (latin1). Throws a `GitError`. */
export async function leftMarks(place: GitPlace, request: MarksRequest): Promise<string[]> {
  const { before, after, sides, among } = request;
  const found = await markedPaths(place, before, after);
  const marked = among === null ? found : found.filter((path) => among.has(path));
  // Nearly always.
  if (marked.length === 0) return [];
  const [now = none, ...known] = await Promise.all(
    [after, before, ...sides].map(async (version) => await marksIn(place, version, marked)),
  );
  const isKnown = (path: string, mark: string): boolean =>
    known.some((marks) => marks.get(path)?.has(mark) === true);
  return marked.filter((path) => [...(now.get(path) ?? [])].some((mark) => !isKnown(path, mark)));
}

/** They are seven characters long, or longer where `conflict-marker-size` says so. */
const anyMark = "^(<{7,}|>{7,}) ";

/** Files with marks of both kinds, some of which `before` has not. `after`: a ref, too. Throws a `GitError`. */
export async function markedPaths(place: GitPlace, before: Oid, after: string): Promise<string[]> {
  const mentioning = ["-G", anyMark, before, after];
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
const both = ["-e", "^<{7,} ", "-e", "^>{7,} "] as const;

/** `git grep` that finds nothing says so with code 1. */
async function pathsOf(place: GitPlace, args: readonly string[]): Promise<string[]> {
  const { stdout } = await git(place, args, { bytes: true, accept: [0, 1] });
  return stdout.split("\0").filter(Boolean);
}

type Marks = ReadonlyMap<string, ReadonlySet<string>>;
const none: Marks = new Map();

/** More than these are not worth naming: every file is looked at. */
const namedMax = 200;

/** The lines of these files that mark a conflict. */
async function marksIn(place: GitPlace, version: Oid, paths: readonly string[]): Promise<Marks> {
  const args = ["grep", "-z", "-I", "-E", "-e", anyMark, version, "--", ...named(paths)];
  const env = { GIT_LITERAL_PATHSPECS: "1" };
  const { stdout } = await git(place, args, { bytes: true, accept: [0, 1], env });
  const marks = new Map<string, Set<string>>();
  // `<version>:<path>\0<line>\n`: a name may have a line break in it.
  for (const [, path = "", line = ""] of stdout.matchAll(/[^:]+:([^\0]*)\0([^\n]*)\n/g)) {
    const lines = marks.get(path) ?? new Set();
    marks.set(path, lines.add(line));
  }
  return marks;
}

/** As arguments, which are UTF-8; none where one of them is not. */
function named(paths: readonly string[]): readonly string[] {
  if (paths.length > namedMax) return [];
  const bytes = paths.map((path) => Buffer.from(path, "latin1"));
  const texts = bytes.map((path) => path.toString("utf8"));
  return texts.every((text, at) => Buffer.from(text).equals(bytes[at] ?? Buffer.of())) ? texts : [];
}
