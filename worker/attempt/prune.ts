import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Retention } from "../../ipc/configSpec.ts";
import { isRecord } from "../../ipc/message.ts";
import { failpoint } from "../../system/failpoint.ts";
import { outcomeName } from "./records.ts";

/**
 * Removes what is left of old attempts in `.aibrain/<worker>/attempts`: their logs and records, which
 * otherwise grow for ever. What an attempt did is not there: it is pinned in git before its outcome is
 * written. So a folder goes only if all of this holds.
 *
 *     it has an outcome, and that is not "could not be saved"
 *     the outcome has been acknowledged (it is not in `open`)
 *     newer ones fill the number that is kept, or it is older than the age that is kept
 */
export type PruneOptions = Pick<Retention, "attempts" | "age_ms"> & {
  /** Names of folders whose attempts are open or not acknowledged. */
  readonly open: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** Returns how many were removed. Rejects with what the disk says. */
export async function pruneAttempts(folder: string, options: PruneOptions): Promise<number> {
  const { attempts, age_ms, open, now } = options;
  const ended = (await endedAttempts(folder)).toSorted((a, b) => b.at - a.at);
  const old = ended.filter(({ at }, place) => place >= attempts || now - at > age_ms);
  let removed = 0;
  for (const { name } of old) {
    if (open.has(name) || !(await isSaved(join(folder, name)))) continue;
    await failpoint("attempt.prune", () =>
      rm(join(folder, name), { recursive: true, force: true }),
    );
    removed += 1;
  }
  return removed;
}

type EndedAttempt = { readonly name: string; readonly at: number };

async function endedAttempts(folder: string): Promise<EndedAttempt[]> {
  const names = await readdir(folder).catch(() => []);
  const ended: EndedAttempt[] = [];
  for (const name of names) {
    const entry = await stat(join(folder, name, outcomeName)).catch(() => null);
    if (entry !== null) ended.push({ name, at: entry.mtimeMs });
  }
  return ended;
}

/** An outcome that cannot be read proves nothing. */
async function isSaved(folder: string): Promise<boolean> {
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
