import { mkdir, open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { layoutOf } from "../system/paths.ts";
import type { Layout } from "../system/paths.ts";
import { findRepository } from "../system/repository.ts";

/**
 * What a supervisor says before its own log is open, or when Node itself ends it (a missing module,
 * no memory), goes to `.aibrain/logs/supervisor.err`, begun anew at each start.
 */
const standardErrorName = "supervisor.err";
const logName = "orchd.log";
const tailBytes = 2_000;

/** `null` where there is no repository; the supervisor itself will say so. */
export async function openStandardError(directory: string): Promise<FileHandle | null> {
  const layout = await layoutFrom(directory);
  if (layout === null) return null;
  await mkdir(layout.logsDir, { recursive: true, mode: 0o700 });
  return await open(join(layout.logsDir, standardErrorName), "w", 0o600);
}

/** The end of what the last supervisor said, on standard error or else in its log; empty for nothing. */
export async function logTail(directory: string): Promise<string> {
  const layout = await layoutFrom(directory);
  if (layout === null) return "";
  const said = await tailOf(join(layout.logsDir, standardErrorName));
  return said === "" ? await tailOf(join(layout.logsDir, logName)) : said;
}

async function layoutFrom(directory: string): Promise<Layout | null> {
  const found = await findRepository(directory);
  if (!found.ok || found.value.workTree === null) return null;
  const { commonDir, workTree } = found.value;
  return layoutOf({ commonDir, workTree });
}

async function tailOf(path: string): Promise<string> {
  const file = await open(path).catch(() => null);
  if (file === null) return "";
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    await file.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8").trimEnd();
  } finally {
    await file.close();
  }
}
