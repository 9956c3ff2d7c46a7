import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isRecord } from "../ipc/message.ts";

/** In the folder of an attempt, written when it has ended (worker/attempt/records.ts). */
export const outcomeName = "outcome.json";

export type StoredOutcome = {
  /** The higher, the later it began: dates of files come from a clock that may be set back. */
  readonly fence: number;
  /** `false`: its work could not be saved. */
  readonly isSaved: boolean;
};

/** `null`: it has not ended, or its outcome cannot be read, which proves nothing. */
export async function readOutcome(folder: string): Promise<StoredOutcome | null> {
  try {
    const report: unknown = JSON.parse(await readFile(join(folder, outcomeName), "utf8"));
    if (!isRecord(report) || !isRecord(report["outcome"])) return null;
    const { failure } = report["outcome"];
    const isSaved = !(isRecord(failure) && failure["kind"] === "save");
    return { fence: Number(report["fence"] ?? 0), isSaved };
  } catch {
    return null;
  }
}
