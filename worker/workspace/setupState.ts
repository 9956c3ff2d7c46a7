import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WorkspaceConfig } from "../../ipc/configSpec.ts";
import { ownGit } from "./ownGit.ts";
import { pathGlob } from "./pathGlob.ts";
import type { Place } from "./place.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * `workspace.setup` runs when its commands or the content of its inputs at the base differ from the
 * last time it succeeded in this workspace. The hash lies in `own.git`, so it goes when the workspace
 * is made anew; and it is removed before a setup begins, so one that was cut short counts as not run.
 */
const recordName = "orchd-setup";

/** The hash to record after success; `null`: what the workspace holds is up to date. Throws a `GitError`. */
export async function setupDue(
  place: Place,
  config: WorkspaceConfig,
  fresh: boolean,
): Promise<string | null> {
  if (config.setup.length === 0) return null;
  const hash = await setupHash(place, config);
  const known = await readFile(join(place.ownGit, recordName), "utf8").catch(() => null);
  // `clean: all` removes what the setup installed.
  if (!fresh && config.clean === "untracked" && known === hash) return null;
  await failpoint("setup.forget", () => rm(join(place.ownGit, recordName), { force: true }));
  return hash;
}

export async function recordSetup(place: Place, hash: string): Promise<void> {
  await failpoint("setup.record", () => writeFile(join(place.ownGit, recordName), hash));
}

/** From the index, which names the content of every file at the base. */
async function setupHash(place: Place, config: WorkspaceConfig): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(config.setup));
  const globs = config.setup_inputs.map(pathGlob);
  if (globs.length === 0) return hash.digest("hex");
  const whole = globs.some((glob) => glob.prefix === "");
  const pathspecs = whole ? [] : globs.map((glob) => `:(literal)${glob.prefix}`);
  const { stdout } = await ownGit(place, ["ls-files", "--stage", "-z", "--", ...pathspecs]);
  for (const entry of stdout.split("\0")) {
    const path = entry.slice(entry.indexOf("\t") + 1);
    if (globs.some((glob) => glob.matches(path))) hash.update(`${entry}\0`);
  }
  return hash.digest("hex");
}
