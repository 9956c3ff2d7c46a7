import { isOid } from "../ipc/ids.ts";
import type { Oid } from "../ipc/ids.ts";
import type { MergeRule } from "../ipc/mergeRules.ts";
import { blobsOf } from "./blobs.ts";
import { git } from "./git.ts";
import { fileBytesMax, macrosOf, mergeRulesOf, rootFile } from "./mergeRules.ts";

/** Files looked at, in the order of their paths. */
const filesMax = 1_000;
const readBytesMax = 16 * 1024 * 1024;

/** What the `.gitattributes` of a commit say about merging. Looks at every path of it. Throws a `GitError`. */
export async function mergeRulesIn(gitDir: string, commit: Oid): Promise<MergeRule[]> {
  const listed = await git({ gitDir }, ["ls-tree", "-r", "-z", commit], { bytes: true });
  const files = new Map(listed.stdout.split("\0").flatMap(attributeFile).slice(0, filesMax));
  const limits = { bytesMax: fileBytesMax, totalMax: readBytesMax };
  const texts = await blobsOf({ gitDir }, new Set(files.values()), limits);
  const root = files.get(rootFile);
  const macros = macrosOf(root === undefined ? "" : (texts.get(root) ?? ""));
  return [...files].flatMap(([file, oid]): MergeRule[] => {
    const text = texts.get(oid);
    if (text !== undefined) return mergeRulesOf(file, text, macros).map(shown);
    return [shown({ file, pattern: "", words: "", effect: "too_large" })];
  });
}

/** `<mode> <type> <object> TAB <path>`; git reads regular files only. */
function attributeFile(entry: string): (readonly [string, Oid])[] {
  const tab = entry.indexOf("\t");
  const [mode = "", , oid = ""] = entry.slice(0, tab).split(" ");
  const path = entry.slice(tab + 1);
  const named = path === rootFile || path.endsWith(`/${rootFile}`);
  return named && mode.startsWith("100") && isOid(oid) ? [[path, oid]] : [];
}

/** From git's bytes, one character a byte, to text. */
function shown({ file, pattern, words, effect }: MergeRule): MergeRule {
  const text = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");
  return { file: text(file), pattern: text(pattern), words: text(words), effect };
}
