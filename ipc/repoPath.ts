/**
 * Paths inside the repository, as people write them: relative to its root, `/` between the segments
 * on every platform. This is what plain paths (`cwd`) and globs (`ipc/glob.ts`) have in common.
 */
export const pathLengthMax = 1024;
export const pathSegmentsMax = 64;

export type PathParse =
  { readonly ok: true; readonly path: string } | { readonly ok: false; readonly message: string };

const controlCharacter = /\p{Cc}/u;
/** Characters that HFS+ ignores in names, so that `.g<U+200C>it` is `.git` there (git: utf8.c, next_hfs_char). */
const ignoredOnHfs = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;
/** What NTFS drops at the end of a name, and the short name that it gives to `.git` (git: path.c, is_ntfs_dotgit). */
const droppedOnNtfs = /[. ]+$|::?\$.*$/g;

/**
 * A plain path: `./a//b/` → `a/b`, the root is `.`.
 * Refused: what `pathFault` and `segmentFault` refuse, and wildcards.
 */
export function normalisePath(text: string): PathParse {
  const fault = pathFault(text);
  if (fault !== null) return { ok: false, message: fault };
  if (/[*?{}]/.test(text)) {
    return {
      ok: false,
      message: "must be one directory; `*`, `?` and braces have no meaning here",
    };
  }
  const segments = text.split("/").filter((segment) => segment !== "" && segment !== ".");
  const wrong = segmentsFault(segments);
  if (wrong !== null) return { ok: false, message: wrong };
  const path = segments.join("/") || ".";
  // Once more, for what a leading `./` hid.
  return path === text ? { ok: true, path } : normalisePath(path);
}

/** What is wrong with a path as a whole, before it is split; `null`: nothing. */
export function pathFault(text: string): string | null {
  if (text === "") return "is empty; write `.` for the root of the repository";
  if (text.length > pathLengthMax) {
    return `has ${text.length} characters; a path may have ${pathLengthMax}`;
  }
  if (text.includes("\0")) return "holds a NUL character, which no path can hold";
  if (controlCharacter.test(text))
    return "holds a control character (a tab or a line end, perhaps)";
  if (!text.isWellFormed()) return "holds half of a surrogate pair, which UTF-8 cannot express";
  if (text.trim() !== text) return "begins or ends with a space";
  if (/^[A-Za-z]:[/\\]/.test(text)) return absolute;
  if (text.includes("\\")) return "holds a backslash; write `/` between directories";
  if (text.startsWith("/")) return absolute;
  if (/^~(?:\/|$)/.test(text))
    return "begins with `~`, and home directories are outside the repository";
  return null;
}

const absolute = "is an absolute path; write it relative to the root of the repository";

export function segmentsFault(segments: readonly string[]): string | null {
  if (segments.length > pathSegmentsMax) {
    return `has ${segments.length} segments; a path may have ${pathSegmentsMax}`;
  }
  return segments.map(segmentFault).find((fault) => fault !== null) ?? null;
}

/** What is wrong with one name between slashes. */
export function segmentFault(segment: string): string | null {
  if (segment === "..") return "holds `..`, which could lead out of the repository";
  if (isGitDirectory(segment)) return "reaches into `.git`, which belongs to git alone";
  return null;
}

/** Also in any letter case, and by the other names some file systems have for it. */
function isGitDirectory(segment: string): boolean {
  const name = segment.replace(ignoredOnHfs, "").replace(droppedOnNtfs, "").toLowerCase();
  return name === ".git" || name === "git~1";
}
