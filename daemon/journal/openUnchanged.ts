import { constants, copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/**
 * Opens a journal for reading so that not one byte beside or in it changes. A read-only connection of
 * SQLite is not enough: it makes `-shm` anew, and `-wal` if that is missing.
 *
 *     log empty or absent         immutable=1      SQLite looks at the one file only
 *     log, and shared memory      readonly_shm=1   the index of the log is made in this process
 *     log, but no shared memory   a copy of both, in a private folder, removed afterwards
 *
 * `live`: some process writes to it, so the log may be empty now and not a moment later.
 *
 * (https://www.sqlite.org/wal.html#read_only_databases, https://www.sqlite.org/uri.html)
 */
export type Unchanged = { readonly db: DatabaseSync; readonly close: () => void };

export function openUnchanged(path: string, { live }: { readonly live: boolean }): Unchanged {
  if (sizeOf(`${path}-wal`) === 0 && !live) return opened(path, { immutable: "1" });
  if (sizeOf(`${path}-shm`) > 0) return opened(path, { mode: "ro", readonly_shm: "1" });
  const folder = mkdtempSync(join(tmpdir(), "orchd-check-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const copy = join(folder, basename(path));
    for (const suffix of ["", "-wal"])
      copyFileSync(path + suffix, copy + suffix, constants.COPYFILE_FICLONE);
    const { db, close } = opened(copy, { mode: "ro" });
    return {
      db,
      close: () => {
        close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function opened(path: string, query: Readonly<Record<string, string>>): Unchanged {
  const url = pathToFileURL(path);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const db = new DatabaseSync(url, { readOnly: true });
  return { db, close: () => db.close() };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
