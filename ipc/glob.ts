import { pathFault, segmentFault, segmentsFault } from "./repoPath.ts";

/**
 * Globs name sets of paths: in claims, in `workspace.copy`, in `workspace.setup_inputs`.
 *
 * What a person may write is brought into one normal form here; everything behind this file
 * (matching, exact intersection, lock files) reads the normal form only:
 *
 *     glob    = segment { "/" segment }
 *     segment = "**" | part { part }
 *     part    = "*" | "?" | braces | letter
 *     braces  = "{" branch "," branch { "," branch } "}"
 *     branch  = { "*" | "?" | letter except "," }
 *     letter  = any character except  / \ * ? { }  and control characters
 *
 *   **      any number of whole segments, also none: `a/**` matches `a`, `a/b` and `a/b/c`
 *   *       any run of characters within a segment, also none, also a leading dot
 *   ?       one character within a segment (one UTF-16 unit, so an emoji takes `??`)
 *   {a,b}   one of the branches; a branch may be empty: `x{,.test}.ts`
 *   letter  itself. There are no escapes and no character classes: `app/[slug]/(shop)/page.tsx` is
 *           a literal path, as routers need it. A file with `*` in its name is claimed with `?`.
 *
 * The normal form also promises: at most `globLengthMax` characters and `pathSegmentsMax` segments;
 * no empty segment, no `.` and no `..`; no two `**` side by side; braces neither nested nor across a
 * `/`; expanding all braces textually gives at most `globBranchesMax` globs, and none of them has an
 * empty segment, `.`, `..`, `.git`, or `**` beside other characters.
 *
 * What a person may write besides, and what becomes of it:
 *
 *     ./a//b → a/b      a/./b → a/b      dir/ → dir/**      . → **      and `**` twice in a row is `**`
 */
export const globLengthMax = 1024;
/** Globs that the braces of one glob may stand for together. */
export const globBranchesMax = 64;

export type GlobParse =
  { readonly ok: true; readonly glob: string } | { readonly ok: false; readonly message: string };

/** Idempotent: a normal form comes back unchanged. The message says what to write instead. */
export function normaliseGlob(text: string): GlobParse {
  const wrong = sizeFault(text) ?? pathFault(text) ?? foreignSyntax(text) ?? bracesFault(text);
  if (wrong !== null) return { ok: false, message: wrong };
  const segments = wholeSegments(text);
  const bad = segmentsFault(segments) ?? deepFault(segments) ?? branchesFault(segments);
  if (bad !== null) return { ok: false, message: bad };
  const glob = segments.join("/");
  // Once more, for what a leading `./` hid, and because `dir/**` is longer than `dir/`.
  return glob === text ? { ok: true, glob } : normaliseGlob(glob);
}

function sizeFault(text: string): string | null {
  if (text === "") return "is empty; write `**` for the whole repository";
  if (text.length <= globLengthMax) return null;
  return `has ${text.length} characters; a glob may have ${globLengthMax}`;
}

/** Syntax that other tools have and this one has not; taken literally it would be a surprise. */
function foreignSyntax(text: string): string | null {
  if (text.startsWith("!")) return "begins with `!`; there is no negation, name what is meant";
  if (/!\(|[@+*?]\([^)/]*\|[^)/]*\)/.test(text)) {
    return "holds an extended pattern such as `!(a)` or `@(a|b)`; write alternatives as `{a,b}`";
  }
  if (/\[[!^]|\[(?:\w-\w)+[_.-]?\]/.test(text)) {
    return "holds a character class; there are none, write `?`, `*` or alternatives as `{a,b}`";
  }
  return null;
}

function bracesFault(text: string): string | null {
  let open = false;
  for (const character of text) {
    if (character === "{" && open)
      return "has braces inside braces; write one flat list: `{a,b,c}`";
    if (character === "}" && !open) return "has a `}` without its `{`";
    if (character === "/" && open) {
      return "has a `/` inside braces; write one glob for each alternative";
    }
    if (character === "{") open = true;
    if (character === "}") open = false;
  }
  if (open) return "has a `{` without its `}`";
  if (/\{[^,}]*\}/.test(text)) return "has braces with one alternative; leave the braces out";
  return null;
}

/** Without empty segments and dots; a trailing slash becomes `**`; `**` stands once in a row. */
function wholeSegments(text: string): string[] {
  const written = text.split("/");
  const last = written.at(-1);
  const kept = written.filter((segment) => segment !== "" && segment !== ".");
  const all = last === "" || last === "." ? [...kept, "**"] : kept;
  return all.filter((segment, index) => segment !== "**" || all[index - 1] !== "**");
}

function deepFault(segments: readonly string[]): string | null {
  const wrong = segments.find((segment) => segment !== "**" && segment.includes("**"));
  if (wrong === undefined) return null;
  return "has `**` beside other characters; it must be a whole segment, as in `src/**/test-*`";
}

function branchesFault(segments: readonly string[]): string | null {
  if (branchCount(segments) > globBranchesMax) {
    return `stands for more than ${globBranchesMax} globs when its braces are written out`;
  }
  return segments.map(branchFault).find((fault) => fault !== null) ?? null;
}

function branchCount(segments: readonly string[]): number {
  const lists = segments.flatMap((segment) => segment.match(/\{[^}]*\}/g) ?? []);
  return lists.reduce((product, list) => product * list.split(",").length, 1);
}

function branchFault(segment: string): string | null {
  if (!segment.includes("{")) return null;
  for (const branch of branchesOf(segment)) {
    if (branch === "" || branch === ".") return "has braces that can stand for an empty name";
    if (branch.includes("**")) return "has braces that put two `*` side by side";
    const fault = segmentFault(branch);
    if (fault !== null) return fault;
  }
  return null;
}

/** `a{b,c}d` → `abd`, `acd`. */
function branchesOf(segment: string): string[] {
  const parts = /^([^{]*)\{([^}]*)\}(.*)$/s.exec(segment);
  if (parts === null) return [segment];
  const [, head = "", list = "", tail = ""] = parts;
  const tails = branchesOf(tail);
  return list.split(",").flatMap((branch) => tails.map((rest) => `${head}${branch}${rest}`));
}
