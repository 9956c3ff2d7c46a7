import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { blobsOf } from "../../system/blobs.ts";
import type { GitPlace } from "../../system/git.ts";
import type { Oid } from "../../ipc/ids.ts";
import { fileBytesMax } from "../../system/mergeRules.ts";
import { builtInOnly } from "./attributeLines.ts";
import { shownPath } from "./mergeTree.ts";

/**
 * The `.gitattributes` of a tree as files, in a folder that git is told is its work tree: so nested ones,
 * macros and precedence are git's own business. Nothing but them is in it.
 */
const folderFilesMax = 500;
const folderBytesMax = 1024 * 1024;
const folderLinesMax = 5_000;
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
  const { taken, leftOut } = await within(place, files);
  const tooDear: string[] = [];
  for (const [path, source] of taken) {
    const { text, dropped } = builtInOnly(source);
    await writeBelow(folder, path, text);
    if (dropped > 0) tooDear.push(path);
  }
  return [...leftOut, ...tooDear].map(shownPath);
}

/** Those nearer the root first: they say more. */
async function within(
  place: GitPlace,
  files: AttributeFiles,
): Promise<{ readonly taken: ReadonlyMap<string, string>; readonly leftOut: string[] }> {
  const near = [...files].toSorted(byDepth);
  const first = near.filter(([path]) => isPlain(path)).slice(0, folderFilesMax);
  const texts = await blobsOf(place, new Set(first.map(([, oid]) => oid)), fileBytesMax);
  const taken = new Map<string, string>();
  let room = { bytes: folderBytesMax, lines: folderLinesMax };
  for (const [path, oid] of first) {
    const text = texts.get(oid);
    if (text === undefined) continue;
    const rest = { bytes: room.bytes - text.length, lines: room.lines - text.split("\n").length };
    if (rest.bytes < 0 || rest.lines < 0) continue;
    room = rest;
    taken.set(path, text);
  }
  const leftOut = near.flatMap(([path]) => (taken.has(path) ? [] : [path]));
  return { taken, leftOut };
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
  const names = path.split("/");
  return (
    path.length <= pathBytesMax &&
    names.every((name) => name.length <= nameBytesMax && !oddNames.has(name.toLowerCase()))
  );
}

async function writeBelow(folder: string, path: string, text: string): Promise<void> {
  const below = (rest: string): Buffer =>
    Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(rest, "latin1")]);
  await mkdir(below(dirname(path)), { recursive: true, mode: 0o700 });
  await writeFile(below(path), Buffer.from(text, "latin1"), { mode: 0o600 });
}
