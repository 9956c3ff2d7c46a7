import { lstat, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { foldCase } from "../ipc/letterCase.ts";
import { normaliseGlob } from "../ipc/glob.ts";

/**
 * Claims are compared letter by letter, so each must name a file as the repository names it. What a
 * person writes is looked up in the working tree once, when the task is submitted:
 *
 *     src/auth        an existing folder       → src/auth/**
 *     link/x          link points to real      → link/x and real/x
 *     link            the same                 → link/** and real/** (`a/**` also matches `a`)
 *     Src/Auth.ts     git ignores letter case  → src/auth.ts, as all other paths and claims there
 *
 * The claim as it was written is kept beside what a link leads to: should the link be a folder by the
 * time the task runs, it still covers that. Links are followed in the literal part of a glob only
 * (`*\/x` does not look through every folder), and only within the repository. What escapes this, or
 * changes later, is found when the task lands: git reports each path under its real name.
 */
export type Spelling = {
  readonly workTree: string;
  /** `core.ignorecase`. */
  readonly foldsCase: boolean;
  /** For very many claims at a time, `quickSpeller`: how most of them are spelled; `null`: look closer. */
  readonly quick?: (glob: string) => string | null;
};

/** Links followed one after the other, as in the kernel (`ELOOP`). */
const hopsMax = 40;

/** The globs in normal form, each under every name that it goes by; without duplicates. */
export async function spellClaims(
  globs: readonly string[],
  { workTree, foldsCase, quick }: Spelling,
): Promise<string[]> {
  const all: string[] = [];
  const looked = globs.map((glob) => quick?.(glob) ?? namesOf(glob, workTree));
  for (const names of looked)
    if (typeof names === "string") all.push(names);
    else all.push(...(await names));
  return [...new Set(foldsCase ? all.map(foldCase) : all)];
}

/** A touched path as the claims are spelled; git has given its real name. */
export function spellPath(path: string, { foldsCase }: Spelling): string {
  return foldsCase ? foldCase(path) : path;
}

async function namesOf(glob: string, workTree: string): Promise<string[]> {
  const real = await throughLinks(glob.split("/"), workTree);
  const written = await withBelow(glob, workTree);
  if (real === glob) return [written];
  const parsed = normaliseGlob(real === "" ? "**" : real);
  return parsed.ok ? [written, await withBelow(parsed.glob, workTree)] : [written];
}

/** Where the literal part leads, with the rest behind it; the same when no link is on the way. */
async function throughLinks(segments: readonly string[], workTree: string): Promise<string> {
  const ahead = [...segments];
  const behind: string[] = [];
  let hops = 0;
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === "..") {
      if (behind.pop() === undefined) return segments.join("/");
      continue;
    }
    if (name === "." || name === "") continue;
    if (isWild(name)) return [...behind, name, ...ahead].join("/");
    const target = await targetOf(join(workTree, ...behind, name));
    if (target === null) {
      behind.push(name);
      continue;
    }
    hops += 1;
    const within = target.startsWith("/") ? insideOf(target, workTree) : target;
    if (within === null || hops > hopsMax) return segments.join("/");
    if (within !== target) behind.length = 0;
    ahead.unshift(...within.split("/"));
  }
  return behind.join("/");
}

async function targetOf(path: string): Promise<string | null> {
  const found = await lstat(path).catch(() => null);
  const target = found?.isSymbolicLink() === true ? await readlink(path).catch(() => null) : null;
  // What means something in a glob becomes `?`, as in every claim on such a file.
  return target?.replaceAll(/[*{}]/g, "?") ?? null;
}

/** Relative to the working tree; `null` when it leads elsewhere. */
function insideOf(target: string, workTree: string): string | null {
  if (target === workTree) return ".";
  return target.startsWith(`${workTree}/`) ? target.slice(workTree.length + 1) : null;
}

async function withBelow(glob: string, workTree: string): Promise<string> {
  if (isWild(glob)) return glob;
  const found = await stat(join(workTree, glob)).catch(() => null);
  return found?.isDirectory() === true ? `${glob}/**` : glob;
}

function isWild(text: string): boolean {
  return /[*?{]/.test(text);
}
