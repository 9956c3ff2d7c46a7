import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { blobsOf } from "../../system/blobs.ts";
import type { GitPlace } from "../../system/git.ts";
import type { Oid } from "../../ipc/ids.ts";
import { fileBytesMax, macrosOf, rootFile } from "../../system/mergeRules.ts";
import { allConflict, builtInOnly } from "./attributeLines.ts";
import type { Attributes } from "./attributeLines.ts";
import { shownPath } from "./mergeTree.ts";
import { foldersOf, isOutdone } from "./unknownFolders.ts";

/**
 * The `.gitattributes` of a tree as files, in a folder that git is told is its work tree: so nested ones,
 * macros and precedence are git's own business. Nothing but them is in it, and of them what is about merging.
 * For what would be too much there is a line by which nothing below is merged as text: two changes of a file
 * conflict, and somebody looks (D-0018).
 */
const filesMax = 1_000;
const folderLinesMax = 5_000;
const readBytesMax = 16 * 1024 * 1024;
/** Of a path below the folder, which itself has some; file systems end at 4,096. */
const pathBytesMax = 3_000;
const nameBytesMax = 255;

/** Path as git's bytes, one character a byte → blob. */
export type AttributeFiles = ReadonlyMap<string, Oid>;

/** Files that do not count, or not all of whose lines do, because it would be too much. */
export type LeftOutAttributes = readonly string[];

/** Writes the folder anew. Throws a `GitError`, or what the system says. */
export async function writeAttributes(
  place: GitPlace,
  folder: string,
  files: AttributeFiles,
): Promise<LeftOutAttributes> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const near = [...files].toSorted(byDepth);
  const taken = within(await textsOf(place, near));
  const leftOut = near.flatMap(([path]) => (taken.has(path) ? [] : [path]));
  const unknown = foldersOf(leftOut.filter(hasPlainNames).map(shortened));
  for (const below of unknown.folders)
    await writeBelow(folder, join(below, rootFile), `${allConflict}\n`);
  const widened: string[] = [];
  for (const [path, { text, widened: lines }] of taken) {
    if (lines > 0) widened.push(path);
    if (text !== "" && !isOutdone(path, unknown)) await writeBelow(folder, path, text);
  }
  return [...leftOut, ...widened].map(shownPath);
}

/** What they say about merging, those nearer the root first. */
async function textsOf(
  place: GitPlace,
  near: readonly (readonly [string, Oid])[],
): Promise<(readonly [string, Attributes])[]> {
  const first = near.filter(([path]) => isPlain(path)).slice(0, filesMax);
  const limits = { bytesMax: fileBytesMax, totalMax: readBytesMax };
  const texts = await blobsOf(place, new Set(first.map(([, oid]) => oid)), limits);
  const [top] = first;
  const root = top?.[0] === rootFile ? texts.get(top[1]) : undefined;
  const macros = new Set(macrosOf(root ?? "").keys());
  return first.flatMap(([path, oid]) => {
    const text = texts.get(oid);
    return text === undefined ? [] : [[path, builtInOnly(text, macros)] as const];
  });
}

/** As long as there is room: they say more near the root. */
function within(texts: readonly (readonly [string, Attributes])[]): Map<string, Attributes> {
  const taken = new Map<string, Attributes>();
  let room = folderLinesMax;
  for (const [path, attributes] of texts) {
    if (attributes.lines > room) continue;
    room -= attributes.lines;
    taken.set(path, attributes);
  }
  return taken;
}

/** Those nearer the root first. */
export function byDepth([a]: readonly [string, Oid], [b]: readonly [string, Oid]): number {
  return depth(a) - depth(b) || (a < b ? -1 : 1);
}

function depth(path: string): number {
  return path.split("/").length;
}

const oddNames: ReadonlySet<string> = new Set(["", ".", "..", ".git"]);

/** Made by hand, a tree may hold names that lead out of the folder, or that no file system takes. */
function isPlain(path: string): boolean {
  return path.length <= pathBytesMax && hasPlainNames(path);
}

function hasPlainNames(path: string): boolean {
  return path
    .split("/")
    .every((name) => name.length <= nameBytesMax && !oddNames.has(name.toLowerCase()));
}

/** What is said of a folder above says it of this one, too. */
function shortened(path: string): string {
  return path.length <= pathBytesMax
    ? path
    : path.slice(0, path.lastIndexOf("/", pathBytesMax) + 1);
}

async function writeBelow(folder: string, path: string, text: string): Promise<void> {
  const below = (rest: string): Buffer =>
    Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(rest, "latin1")]);
  await mkdir(below(dirname(path)), { recursive: true, mode: 0o700 });
  await writeFile(below(path), Buffer.from(text, "latin1"), { mode: 0o600 });
}
