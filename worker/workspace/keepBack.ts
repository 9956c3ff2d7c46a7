import { mkdir, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SavePolicy } from "../../ipc/configSpec.ts";
import { keptBackShownMax } from "../../ipc/workerMessages.ts";
import type { KeptBack, KeptBackFile } from "../../ipc/workerMessages.ts";
import { isRecord } from "../../ipc/message.ts";
import { readJsonFile, writeDurably } from "../../system/atomicFile.ts";
import { failpoint } from "../../system/failpoint.ts";
import { makeMovable } from "../../system/movable.ts";
import type { Owner, Place } from "./place.ts";
import { suspectsAmong } from "./suspects.ts";

/**
 * New files that do not belong in git are moved to `set-aside/<task>.<n>/kept-back`, with their paths,
 * before anything of them is written into the repository: neither lost nor saved.
 */
export async function keepBack(
  place: Place,
  owner: Owner,
  paths: readonly Buffer[],
  policy: SavePolicy,
): Promise<ReadonlySet<string>> {
  const folder = folderOf(place, owner);
  const moved = new Set<string>();
  for (const { bytesPath } of suspectsAmong(place.workTree, paths, policy)) {
    const below = (root: string): Buffer => Buffer.concat([Buffer.from(`${root}/`), bytesPath]);
    const target = below(folder);
    await mkdir(Buffer.from(dirname(target.toString("latin1")), "latin1"), {
      recursive: true,
      mode: 0o700,
    });
    await makeMovable(below(place.workTree));
    await failpoint("save.keepBack", () => rename(below(place.workTree), target));
    moved.add(bytesPath.toString("latin1"));
  }
  return moved;
}

/**
 * Notes what the attempt's commits have, before they go aside beside it: `set-aside/<task>.<n>/commits.json`.
 */
export async function noteCommitted(
  place: Place,
  owner: Owner,
  files: readonly KeptBackFile[],
): Promise<void> {
  const path = recordOf(place, owner);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const record = { files: files.slice(0, keptBackShownMax), total: files.length };
  const text = `${JSON.stringify(record)}\n`;
  await failpoint("save.keepCommits", () => writeDurably(path, text, { mode: 0o600 }));
}

/** What was kept back of an attempt, also by a save that was cut short; `null`: nothing. */
export async function keptBackOf(
  place: Place,
  owner: Owner,
  policy: SavePolicy,
): Promise<KeptBack | null> {
  const folder = folderOf(place, owner);
  const options = { recursive: true, withFileTypes: true, encoding: "utf8" } as const;
  const entries = await readdir(folder, options).catch(() => []);
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .toSorted();
  const committed = await readCommitted(place, owner);
  const total = paths.length + committed.total;
  if (total === 0) return null;
  const shown = paths.slice(0, keptBackShownMax).map((path) => Buffer.from(path));
  const known = suspectsAmong(folder, shown, policy);
  const files = known.map(({ path, why, bytes }) => ({ path, why, bytes }));
  return {
    folder: paths.length === 0 ? dirname(folder) : folder,
    files: [...files, ...committed.files].slice(0, keptBackShownMax),
    total,
  };
}

/** Nothing where there is no record, or none that can be understood: whoever runs as us may write there. */
async function readCommitted(
  place: Place,
  owner: Owner,
): Promise<Pick<KeptBack, "files" | "total">> {
  const value = await readJsonFile(recordOf(place, owner), recordBytesMax);
  if (!isRecord(value) || !Array.isArray(value["files"])) return { files: [], total: 0 };
  const files = value["files"].filter(isCommitted).slice(0, keptBackShownMax);
  return { files, total: Math.max(files.length, Number(value["total"]) || 0) };
}

function isCommitted(value: unknown): value is KeptBackFile {
  return (
    isRecord(value) &&
    typeof value["path"] === "string" &&
    (value["why"] === "large" || value["why"] === "secret") &&
    typeof value["bytes"] === "number" &&
    value["committed"] === true
  );
}

/** Names of at most 4,096 bytes, each of which JSON may write as six. */
const recordBytesMax = keptBackShownMax * 6 * 4096 + 64 * 1024;

function folderOf(place: Place, owner: Owner): string {
  return join(ownersFolder(place, owner), "kept-back");
}

function recordOf(place: Place, owner: Owner): string {
  return join(ownersFolder(place, owner), "commits.json");
}

function ownersFolder(place: Place, { task, attempt }: Owner): string {
  return join(place.setAside, `${task}.${attempt}`);
}
