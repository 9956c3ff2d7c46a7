import { constants } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { failpoint } from "./failpoint.ts";

/**
 * Files that are there whole or not at all. The content goes into a new file in the same folder,
 * which then takes the name: a reader sees the old content or the new, also after a kill at any
 * moment. A name that starts with a dot and ends in `.tmp` is what such a kill leaves behind.
 */
export type WriteOptions = {
  /** Of the file; what the umask forbids is taken away. Default 0600. */
  readonly mode?: number;
};

const defaultMode = 0o600;
export const folderMode = 0o700;
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** What "there is no such file" looks like; the last two are a symbolic link and a socket in its place. */
const absentCodes = ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"];
const unsyncableCodes = ["EINVAL", "ENOTSUP", "EISDIR"];

/**
 * When this resolves, the content survives a power loss: synced before it takes the name, and the
 * folder after. Makes the folders above (0700). Rejects with the system's error (no space, no
 * permission) and then leaves the old file as it was.
 */
export async function writeDurably(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const folder = dirname(path);
  const firstMade = await mkdir(folder, { recursive: true, mode: folderMode });
  await putInPlace(path, content, { ...options, sync: true });
  await syncFolders(folder, firstMade === undefined ? folder : dirname(firstMade));
}

/** The same for what can be made again: whole or not at all, but a power loss may bring the old one back. */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: folderMode });
  await putInPlace(path, content, { ...options, sync: false });
}

/**
 * The value in a JSON file of at most `bytesMax` bytes. `undefined`: there is none, or it is not
 * JSON, too long, a link, or no regular file. Rejects when it cannot be known (an I/O error, no
 * permission, no descriptor left): a file that cannot be read now is not a file that is not there.
 */
export async function readJsonFile(path: string, bytesMax: number): Promise<unknown> {
  const text = await readRegularFile(path, bytesMax);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function putInPlace(
  path: string,
  content: string | Uint8Array,
  { mode = defaultMode, sync }: WriteOptions & { readonly sync: boolean },
): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await using file = await open(temporary, "wx", mode);
    await failpoint("file.write", () => file.writeFile(content));
    if (sync) await failpoint("file.sync", () => file.sync());
    await failpoint("file.rename", () => rename(temporary, path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * In the same folder. Short of the 255 bytes a name may have, however long the file's own name is.
 * No secret, and made with `wx`: two that meet would fail, not mix.
 */
export function temporaryPath(path: string): string {
  const mark = Math.random().toString(36).slice(2, 12).padEnd(10, "0");
  const name = `.${basename(path).slice(0, 60)}.${mark}.tmp`;
  return join(dirname(path), name);
}

/** From `deepest` up to `highest`: a folder that was just made is an entry in the one above it. */
async function syncFolders(deepest: string, highest: string): Promise<void> {
  for (let folder = deepest; ; folder = dirname(folder)) {
    await using handle = await open(folder, "r");
    await failpoint("file.folder", () => handle.sync()).catch((error: unknown) => {
      if (!isUnsyncable(error)) throw error;
    });
    if (folder === highest || folder === dirname(folder)) return;
  }
}

async function readRegularFile(path: string, bytesMax: number): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, readFlags);
  } catch (error) {
    if (hasCode(error, absentCodes)) return undefined;
    throw error;
  }
  try {
    const entry = await file.stat();
    if (!entry.isFile() || entry.size > bytesMax) return undefined;
    const { size } = entry;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Said by file systems that cannot sync a folder (some network ones): there is nothing more to do. */
export function isUnsyncable(error: unknown): boolean {
  return hasCode(error, unsyncableCodes);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
