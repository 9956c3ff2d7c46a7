import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Checkout } from "./checkouts.ts";
import { onDisk } from "./touched.ts";
import type { TouchedPath } from "./touched.ts";

/**
 * What tells that a file was written, replaced or removed, without reading it. A follow notes it before
 * it writes: what is as it was then is not its own work, even where it looks like it. A person who
 * merges what landed and takes that back with `git reset` has just the files of the new commit.
 */
export type FileStamps = ReadonlyMap<string, string>;

export async function stampsOf(
  checkout: Checkout,
  touched: readonly TouchedPath[],
): Promise<FileStamps> {
  const stamps = await Promise.all(touched.map(({ path }) => stampOf(onDisk(checkout, path))));
  return new Map(touched.map(({ path }, at) => [path, stamps[at] ?? ""]));
}

/** git replaces an index whenever it writes one, and writes one for whatever it does to files. */
export async function indexStamp({ gitDir }: Checkout): Promise<string> {
  return await stampOf(join(gitDir, "index"));
}

async function stampOf(path: Buffer | string): Promise<string> {
  return await lstat(path, { bigint: true }).then(
    ({ ino, size, mode, mtimeNs, ctimeNs }) => `${ino} ${size} ${mode} ${mtimeNs} ${ctimeNs}`,
    () => "absent",
  );
}
