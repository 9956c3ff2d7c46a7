import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { layoutOf } from "../system/paths.ts";
import { findRepository } from "../system/repository.ts";

const tailBytes = 2_000;

/** The end of what the last supervisor of this repository logged; empty when there is nothing to read. */
export async function logTail(directory: string): Promise<string> {
  const found = await findRepository(directory);
  if (!found.ok || found.value.workTree === null) return "";
  const { commonDir, workTree } = found.value;
  const newest = await newestLog(layoutOf({ commonDir, workTree }).logsDir);
  return newest === null ? "" : await tailOf(newest);
}

async function newestLog(folder: string): Promise<string | null> {
  const names = await readdir(folder).catch(() => []);
  const logs = await Promise.all(
    names
      .filter((name) => name.endsWith(".log"))
      .map(async (name) => {
        const path = join(folder, name);
        return { path, at: (await stat(path)).mtimeMs };
      }),
  );
  return logs.sort((a, b) => b.at - a.at)[0]?.path ?? null;
}

async function tailOf(path: string): Promise<string> {
  await using file = await open(path);
  const { size } = await file.stat();
  const buffer = Buffer.alloc(Math.min(size, tailBytes));
  await file.read(buffer, 0, buffer.length, size - buffer.length);
  return buffer.toString("utf8").trimEnd();
}
