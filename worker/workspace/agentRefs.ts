import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";

/**
 * Reads the refs an agent left in its `.git` without running git there. A git started on a hostile
 * git directory obeys its configuration: a promisor remote whose upload-pack is any command runs it
 * on a mere `rev-parse`, and `protocol.allow=never` loses against `protocol.ext.allow` there. Files
 * are only parsed, as far as they are regular files of modest size; anything else is "not readable".
 */
const refFileBytesMax = 4 * 1024 * 1024;
const symbolicDepthMax = 5;
const straysMax = 32;
const foldersMax = 1_000;

/** `null`: no git directory, damaged, another format, or a branch without a commit. */
export async function readHead(gitDir: string): Promise<Oid | null> {
  if (!(await isFolder(gitDir))) return null;
  let name = "HEAD";
  for (let depth = 0; depth < symbolicDepthMax; depth += 1) {
    const text = (await readSmall(join(gitDir, name)))?.trim();
    if (text === undefined) return (await packedRefs(gitDir)).get(name) ?? null;
    if (isOid(text)) return text;
    const target = /^ref: (refs\/[^\0]+)$/.exec(text)?.[1];
    if (target === undefined || target.split("/").includes("..")) return null;
    name = target;
  }
  return null;
}

/**
 * What else the agent committed or stashed: branches, tags and the whole stash, without `known`.
 * At most 32, since they are pinned as parents of one commit.
 */
export async function readStrays(gitDir: string, known: readonly Oid[]): Promise<Oid[]> {
  if (!(await isFolder(gitDir))) return [];
  const loose = await looseRefs(gitDir);
  const packed = await packedRefs(gitDir);
  const stashed = await stashLog(gitDir);
  const found = new Set([...loose, ...packed.values(), ...stashed]);
  for (const oid of known) found.delete(oid);
  return [...found].slice(0, straysMax);
}

async function looseRefs(gitDir: string): Promise<Oid[]> {
  const found: Oid[] = [];
  const folders = ["refs"];
  for (const folder of folders) {
    const entries = await readdir(join(gitDir, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory() && folders.length < foldersMax) folders.push(path);
      const text = entry.isFile() ? (await readSmall(join(gitDir, path)))?.trim() : undefined;
      if (text !== undefined && isOid(text)) found.push(text);
    }
  }
  return found;
}

async function packedRefs(gitDir: string): Promise<Map<string, Oid>> {
  const text = (await readSmall(join(gitDir, "packed-refs"))) ?? "";
  const refs = new Map<string, Oid>();
  for (const line of text.split("\n")) {
    const at = line.indexOf(" ");
    const oid = line.slice(0, at);
    if (at > 0 && isOid(oid)) refs.set(line.slice(at + 1), oid);
  }
  return refs;
}

/** `refs/stash` names only the newest stash; the others stand in its log: `<old> <new> who when\t…`. */
async function stashLog(gitDir: string): Promise<Oid[]> {
  const text = (await readSmall(join(gitDir, "logs/refs/stash"))) ?? "";
  return text.split("\n").flatMap((line) => {
    const oid = line.split(" ")[1] ?? "";
    return isOid(oid) ? [oid] : [];
  });
}

async function isFolder(path: string): Promise<boolean> {
  const there = await lstat(path).catch(() => null);
  return there?.isDirectory() === true;
}

/** `O_NONBLOCK`: opening a FIFO that was put in place of a file must not wait for a writer. */
async function readSmall(path: string): Promise<string | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => null);
  if (file === null) return undefined;
  try {
    const there = await file.stat();
    if (!there.isFile() || there.size > refFileBytesMax) return undefined;
    return await file.readFile("utf8");
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}
