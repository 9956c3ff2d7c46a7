import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isRecord } from "../ipc/message.ts";

/** In the folder of an attempt, written when it has ended (worker/attempt/records.ts). */
export const outcomeName = "outcome.json";

/** False: it could not be saved, has not ended, or its outcome cannot be read, which proves nothing. */
export async function isSavedAttempt(folder: string): Promise<boolean> {
  try {
    const report: unknown = JSON.parse(await readFile(join(folder, outcomeName), "utf8"));
    const outcome = isRecord(report) ? report["outcome"] : null;
    if (!isRecord(outcome)) return false;
    const { failure } = outcome;
    return !(isRecord(failure) && failure["kind"] === "save");
  } catch {
    return false;
  }
}
