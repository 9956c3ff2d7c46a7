import { mergeRulesMax } from "../../ipc/mergeRules.ts";
import type { MergeRule, MergeRuleChange, MergeRuleChanges } from "../../ipc/mergeRules.ts";
import type { Oid } from "../../ipc/ids.ts";
import { blobsOf } from "../../system/blobs.ts";
import {
  fileBytesMax,
  macrosOf,
  mergeRulesOf,
  rootFile,
  ruleChanges,
} from "../../system/mergeRules.ts";
import { byDepth } from "./attributeFiles.ts";
import type { AttributeFiles } from "./attributeFiles.ts";
import type { Writer } from "./branch.ts";
import { shownPath } from "./mergeTree.ts";
import type { AttributeFilesMet } from "./treeAttributes.ts";

/**
 * What a candidate changes in how files merge: the lines about it in every `.gitattributes` that it adds,
 * changes or removes, and those that are too dear to count. `null`: nothing. Throws a `GitError`.
 */
export async function mergeRulesBetween(
  writer: Writer,
  from: Oid,
  to: Oid,
): Promise<MergeRuleChanges | null> {
  const met = await writer.attributes.between(from, to);
  if (met === null) return null;
  const { before, after } = met;
  const differing = [...new Map([...before, ...after])]
    .filter(([path]) => before.get(path) !== after.get(path))
    .toSorted(byDepth)
    .map(([path]) => path);
  const looked = differing.slice(0, filesMax);
  const oids = objectsOf([rootFile, ...looked], met);
  const texts = await blobsOf(writer.place, oids, {
    bytesMax: fileBytesMax,
    totalMax: readBytesMax,
  });
  const [old, now] = [sideOf(before, texts), sideOf(after, texts)];
  const changes = looked.flatMap((path) => {
    const rules = now(path);
    return rules === null ? [unread(path)] : ruleChanges(old(path) ?? [], rules);
  });
  return shown([...changes, ...differing.slice(filesMax).map(unread)]);
}

/** More of them than people change at once; of others it is said that they changed. */
const filesMax = 200;
const readBytesMax = 16 * 1024 * 1024;

function objectsOf(paths: readonly string[], { before, after }: AttributeFilesMet): Set<Oid> {
  return new Set(paths.flatMap((path) => [before.get(path) ?? [], after.get(path) ?? []]).flat());
}

/** The rules of a file; `null`: it is too large. */
function sideOf(
  files: AttributeFiles,
  texts: ReadonlyMap<string, string>,
): (path: string) => MergeRule[] | null {
  const textOf = (path: string): string | undefined => {
    const oid = files.get(path);
    return oid === undefined ? "" : texts.get(oid);
  };
  const macros = macrosOf(textOf(rootFile) ?? "");
  return (path) => {
    const text = textOf(path);
    return text === undefined ? null : mergeRulesOf(path, text, macros);
  };
}

function unread(file: string): MergeRuleChange {
  return { file, pattern: "", words: "", effect: "too_large", change: "added" };
}

/** From git's bytes to text. */
function shown(changes: readonly MergeRuleChange[]): MergeRuleChanges | null {
  if (changes.length === 0) return null;
  const rules = changes.slice(0, mergeRulesMax).map(({ file, pattern, words, ...rest }) => ({
    file: shownPath(file),
    pattern: shownPath(pattern),
    words: shownPath(words),
    ...rest,
  }));
  return { rules, total: changes.length };
}
