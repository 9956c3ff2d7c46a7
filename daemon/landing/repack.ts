import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { gitCommand } from "../../system/git.ts";
import { startGroup } from "../../system/groupChild.ts";
import type { GroupChild } from "../../system/groupChild.ts";
import type { LandingSite } from "./branch.ts";
import { synced } from "./branch.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * Packs what lies about singly, so that a repository in which thousands of tasks land stays quick:
 *
 *     git repack -d --geometric=2     loose objects and small packs into one pack, large packs stay
 *
 * It packs every loose object, whether anything names it or not, and removes only what it has packed:
 * nothing is ever pruned, since workspaces read this object store, and what nothing names may be a
 * person's. It takes no lock, may be cut off anywhere, and other gits meanwhile find an object in one
 * place or in the other. What a cut off one leaves is a temporary file, which goes a day after it was seen first.
 */
export type Clutter = { readonly loose: number; readonly packs: number };

/** Rejects with what the disk says. */
export async function clutterOf({ place }: LandingSite): Promise<Clutter> {
  const objects = join(place.gitDir, "objects");
  let loose = 0;
  for (const folder of await namesIn(objects))
    if (/^[0-9a-f]{2}$/.test(folder)) loose += (await namesIn(join(objects, folder))).length;
  const packs = (await namesIn(join(objects, "pack"))).filter((name) => name.endsWith(".pack"));
  return { loose, packs: packs.length };
}

/** In words, why this repository is not for us to repack; `null`: it is. */
export function notOurs({ place, repository }: LandingSite): string | null {
  if (repository?.partial === true) return "it is a partial clone";
  if (existsSync(join(place.gitDir, "objects/info/alternates")))
    return "its objects lie in another repository";
  return existsSync(join(place.gitDir, "gc.pid")) ? "git gc is at work" : null;
}

const repackMsMax = 30 * 60 * 1000;
const config = {
  ...synced,
  "pack.threads": "1",
  "pack.windowMemory": "64m",
  "repack.writeBitmaps": "false",
} as const;

/** Begins; whoever lands may have it stand still. `problem`: in git's words, `null` when it went well. */
export function startRepack(
  { place }: LandingSite,
  signal: AbortSignal,
): Pick<GroupChild, "pause" | "resume"> & { readonly problem: Promise<string | null> } {
  const args = ["repack", "-d", "-q", "-n", "--geometric=2"];
  const command = gitCommand(place, args, { config });
  const { env, cwd } = command;
  const child = startGroup(command.args, { env, cwd, timeoutMs: repackMsMax, signal, low: true });
  const problem = failpoint("gc.repack", async () => {
    const { code, problem: ended, stderr } = await child.finished;
    return code === 0 ? null : (ended ?? stderr.trim().slice(-500));
  });
  return { pause: child.pause, resume: child.resume, problem };
}

/** Paths of unfinished packs, by the names that git gives them: of gits at work, and of those that were cut off. */
export async function leftPacks({ place }: LandingSite): Promise<string[]> {
  const folder = join(place.gitDir, "objects/pack");
  const left = /^(?:tmp_(?:pack|idx|rev|mtimes)_|\.tmp-\d+-pack-)/;
  return (await namesIn(folder))
    .filter((name) => left.test(name))
    .map((name) => join(folder, name));
}

export async function removeLeftPacks(paths: readonly string[]): Promise<void> {
  for (const path of paths) await failpoint("gc.leftPack", () => rm(path, { force: true }));
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
}
