import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Retention } from "../../ipc/configSpec.ts";
import { readOutcome } from "../../system/attemptOutcome.ts";
import type { StoredOutcome } from "../../system/attemptOutcome.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * Removes what is left of old attempts in `.aibrain/<worker>/attempts`: their logs and records, which
 * otherwise grow for ever. What an attempt did is not there: it is pinned in git before its outcome is
 * written. So a folder goes only if all of this holds.
 *
 *     it has an outcome, and that is not "could not be saved"
 *     the outcome has been acknowledged (it is not in `open`)
 *     newer ones fill the number that is kept (newer by their fences, whatever the clock said)
 *
 * By age the supervisor removes them (daemon/pool/leftFolders.ts), which has a clock for that.
 */
export type PruneOptions = Pick<Retention, "attempts"> & {
  /** Names of folders whose attempts are open or not acknowledged. */
  readonly open: ReadonlySet<string>;
};

/** Returns how many were removed. Rejects with what the disk says. */
export async function pruneAttempts(folder: string, options: PruneOptions): Promise<number> {
  const { attempts, open } = options;
  const ended = (await endedAttempts(folder)).toSorted((a, b) => b.fence - a.fence);
  let removed = 0;
  for (const { name, isSaved } of ended.slice(attempts)) {
    if (open.has(name) || !isSaved) continue;
    await failpoint("attempt.prune", () =>
      rm(join(folder, name), { recursive: true, force: true }),
    );
    removed += 1;
  }
  return removed;
}

type EndedAttempt = StoredOutcome & { readonly name: string };

async function endedAttempts(folder: string): Promise<EndedAttempt[]> {
  const names = await readdir(folder).catch(() => []);
  const ended: EndedAttempt[] = [];
  for (const name of names) {
    const outcome = await readOutcome(join(folder, name));
    if (outcome !== null) ended.push({ name, ...outcome });
  }
  return ended;
}
