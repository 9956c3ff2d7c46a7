import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { Checkout } from "./checkouts.ts";
import { onDisk } from "./touched.ts";
import type { TouchedPath } from "./touched.ts";

/**
 * The files that git is about to replace in a person's checkout, kept open meanwhile.
 *
 * git looks at all files first and then replaces one after the other: it removes the file and writes
 * a new one. What a program writes to a file in between goes to one that has no name any more, and
 * would be gone without a word. An open descriptor still reads it, so it can be given back.
 *
 * Not seen is a file that an editor puts in the place of the old one (by `rename`) in that moment: git
 * removes it as it would have removed the old one. A crash in that moment loses what was written too.
 */
export type Originals = {
  /** Those that were written to since they were opened and stand nowhere any more. */
  readonly edited: () => Promise<TouchedPath[]>;
  /**
   * Writes what they hold to where they stood: over what is there, if it is a file or nothing. Rejects with what
   * the disk said first, after all of them were tried.
   */
  readonly giveBack: (paths: readonly TouchedPath[]) => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** More are not kept open: each is a descriptor. */
const originalsMax = 1_024;
const chunkBytes = 1024 * 1024;

type Original = {
  readonly one: TouchedPath;
  readonly handle: FileHandle;
  readonly opened: string;
};

/** `paths`: what is there and is no regular file is passed over. */
export async function keepOriginals(
  checkout: Checkout,
  paths: readonly TouchedPath[],
): Promise<Originals> {
  const tried = paths.slice(0, originalsMax).map((one) => openOriginal(checkout, one));
  const kept = (await Promise.all(tried)).filter((one) => one !== null);
  return {
    edited: async () => {
      const changed = await Promise.all(kept.map((one) => isEdited(checkout, one)));
      return kept.filter((_, at) => changed[at]).map(({ one }) => one);
    },
    giveBack: async (wanted) => {
      const asked = new Set(wanted);
      const failures: unknown[] = [];
      for (const original of kept)
        if (asked.has(original.one))
          await writeBack(checkout, original).catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(kept.map(({ handle }) => handle.close()));
    },
  };
}

async function openOriginal(checkout: Checkout, one: TouchedPath): Promise<Original | null> {
  const path = onDisk(checkout, one.path);
  const found = await lstat(path).catch(() => null);
  if (found === null || !found.isFile()) return null;
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path, flags).catch(() => null);
  return handle === null ? null : { one, handle, opened: await writtenAt(handle) };
}

/** Of the times only this one: the other changes when a file loses its name. */
async function writtenAt(handle: FileHandle): Promise<string> {
  const { size, mtimeNs } = await handle.stat({ bigint: true });
  return `${size} ${mtimeNs}`;
}

async function isEdited(checkout: Checkout, { one, handle, opened }: Original): Promise<boolean> {
  if ((await writtenAt(handle)) === opened) return false;
  const { ino, dev } = await handle.stat();
  const there = await lstat(onDisk(checkout, one.path)).catch(() => null);
  return there === null || there.ino !== ino || there.dev !== dev;
}

/** Never through a link: by now a folder may be one that leads out of the checkout, or the file itself. */
async function writeBack(checkout: Checkout, { one, handle }: Original): Promise<void> {
  if (!(await standsInFolders(checkout, one.path))) return;
  const there = await lstat(onDisk(checkout, one.path)).catch(() => null);
  if (there !== null && !there.isFile()) return;
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  const flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK;
  const { mode } = await handle.stat();
  await using to = await open(onDisk(checkout, one.path), flags, mode & 0o777);
  const chunk = Buffer.alloc(chunkBytes);
  for (let position = 0; ;) {
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, position);
    if (bytesRead === 0) return;
    await to.appendFile(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
}

async function standsInFolders(checkout: Checkout, path: string): Promise<boolean> {
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
    const found = await lstat(onDisk(checkout, folder)).catch(() => null);
    if (found === null || !found.isDirectory()) return false;
  }
  return true;
}
