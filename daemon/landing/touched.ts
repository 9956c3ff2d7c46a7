import { lstat, readdir } from "node:fs/promises";
import { git } from "../../system/git.ts";
import type { Oid } from "../../ipc/ids.ts";
import type { LandingSite } from "./branch.ts";
import type { Checkout } from "./checkouts.ts";

/**
 * The paths that differ between two commits. A path here is git's bytes, one character a byte
 * (latin1), because a file name need not be UTF-8.
 */
export type Side = { readonly mode: string; readonly oid: string };
export type TouchedPath = {
  readonly path: string;
  /** `null`: the path does not exist on that side. */
  readonly old: Side | null;
  readonly new: Side | null;
};

export async function touchedPaths(site: LandingSite, from: Oid, to: Oid): Promise<TouchedPath[]> {
  const args = ["diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", from, to];
  const fields = (await git(site.place, args, { bytes: true })).stdout.split("\0");
  const touched: TouchedPath[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [oldMode, newMode, oldOid, newOid] = (fields[at] ?? "").slice(1).split(" ");
    const path = fields[at + 1] ?? "";
    touched.push({ path, old: side(oldMode, oldOid), new: side(newMode, newOid) });
  }
  return touched;
}

function side(mode = "", oid = ""): Side | null {
  return /^0*$/.test(mode) ? null : { mode, oid };
}

export function onDisk(checkout: Checkout, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${checkout.workTree}/`), Buffer.from(path, "latin1")]);
}

type Kind = "absent" | "folder" | "file";

export async function kindOf(path: Buffer): Promise<Kind> {
  return await lstat(path).then(
    (found) => (found.isDirectory() ? "folder" : "file"),
    () => "absent",
  );
}

/**
 * Files nobody tracks that stand where the new commit puts one. git overwrites them silently when
 * they are ignored (a person's `.env`), so it is not asked.
 */
export async function inTheWay(
  checkout: Checkout,
  touched: readonly TouchedPath[],
): Promise<string[]> {
  const leaving = new Set(touched.flatMap((one) => (one.old === null ? [] : [one.path])));
  const coming = touched.filter((one) => one.old === null && one.new?.mode !== gitlinkMode);
  const found = await Promise.all(coming.map((one) => blocking(checkout, one.path, leaving)));
  return [...new Set(found.flat())];
}

/** Submodules: following moves their entry in the index, never their files. */
export const gitlinkMode = "160000";

async function blocking(
  checkout: Checkout,
  path: string,
  leaving: ReadonlySet<string>,
): Promise<string[]> {
  for (const parent of parentsOf(path)) {
    const kind = await kindOf(onDisk(checkout, parent));
    if (kind === "absent") return [];
    if (kind === "file") return leaving.has(parent) ? [] : [parent];
  }
  const kind = await kindOf(onDisk(checkout, path));
  if (kind === "absent") return [];
  if (kind === "file") return [path];
  const files = await filesBelow(checkout, path);
  return files.filter((file) => !leaving.has(file));
}

function parentsOf(path: string): string[] {
  const names = path.split("/");
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join("/"));
}

async function filesBelow(checkout: Checkout, folder: string): Promise<string[]> {
  const entries = await readdir(onDisk(checkout, folder), {
    withFileTypes: true,
    encoding: "buffer",
  });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = `${folder}/${entry.name.toString("latin1")}`;
      return entry.isDirectory() ? await filesBelow(checkout, path) : [path];
    }),
  );
  return found.flat();
}
