import { lstat, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { WorkspaceConfig } from "../../ipc/configSpec.ts";
import { isOid } from "../../ipc/ids.ts";
import { git, GitError } from "../../system/git.ts";
import { writeAgentGit } from "./agentGit.ts";
import { listLeftovers, removeLeftovers } from "./leftovers.ts";
import { clearIndexLock, ownGit, writeOwnGit } from "./ownGit.ts";
import { pinBase } from "./pin.ts";
import { isRealFolder, mustBeRealFolder, WorkspaceError } from "./place.ts";
import type { Base, Place, Repository } from "./place.ts";
import { removeAll } from "../../system/removeAll.ts";
import { emptySubmodules } from "./submodules.ts";
import { findSpecials, removeSpecials } from "./specials.ts";
import { failpoint } from "../../system/failpoint.ts";
import { makeMovable } from "../../system/movable.ts";

/** The commit a revision names in the repository now, with its tree. Throws a `GitError`. */
export async function resolveBase(repository: Repository, revision: string): Promise<Base> {
  const { stdout } = await git({ gitDir: repository.gitDir }, [
    "rev-parse",
    "--end-of-options",
    `${revision}^{commit}`,
    `${revision}^{tree}`,
  ]);
  // Before 2.43 rev-parse prints `--end-of-options` as well.
  const [commit, tree] = stdout.split("\n").filter((line) => isOid(line));
  if (commit === undefined || tree === undefined)
    throw new WorkspaceError(`git resolved ${revision} to something that is not a commit`);
  return { commit, tree };
}

/**
 * Makes the workspace's files those of `base`. Whatever an earlier attempt left is removed, so the
 * caller must have saved it. Ignored files stay unless `clean` is `all`. A workspace that git cannot
 * bring back is removed and made anew, once. Throws a `GitError`, a `WorkspaceError` or an error of
 * the file system.
 *
 * Answers whether it is new: then nothing that `workspace.setup` made is in it.
 */
export async function resetWorkspace(
  place: Place,
  repository: Repository,
  base: Base,
  clean: WorkspaceConfig["clean"],
): Promise<{ readonly fresh: boolean }> {
  const usable = (await isRealFolder(place.workTree)) && (await isRealFolder(place.ownGit));
  if (usable) {
    try {
      await checkOut(place, repository, base, clean);
      return { fresh: false };
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
    }
  }
  await removeWorkspace(place);
  await mkdir(place.workTree, { recursive: true, mode: 0o700 });
  await checkOut(place, repository, base, clean);
  return { fresh: true };
}

/**
 * Puts a workspace out of the way with everything that is in it; the next reset makes a new one.
 * Answers where it is now, `null` when there was none.
 */
export async function setWorkspaceAside(place: Place, name: string): Promise<string | null> {
  if ((await lstat(place.workTree).catch(() => null)) === null) return null;
  await mkdir(place.setAside, { recursive: true, mode: 0o700 });
  const target = join(place.setAside, name);
  await failpoint("reset.aside", async () => {
    await removeAll(target);
    await makeMovable(place.workTree);
    await rename(place.workTree, target);
  });
  return target;
}

/**
 * Makes the agent's `.git` anew: on the base, with all that the last save found staged. What was in the
 * old one has been saved, as for a reset. Throws as `resetWorkspace` does.
 */
export async function stageAll(place: Place, repository: Repository, base: Base): Promise<void> {
  await mustBeRealFolder(place);
  await failpoint("hooks.agentGit", () => removeAll(join(place.workTree, ".git")));
  await writeAgentGit(place, repository, base);
}

async function checkOut(
  place: Place,
  repository: Repository,
  base: Base,
  clean: WorkspaceConfig["clean"],
): Promise<void> {
  await clearIndexLock(place);
  await Promise.all([
    writeOwnGit(place, repository, base, []),
    // Before git looks: whatever the agent's git directory was made into (a file, a link), git never sees it.
    failpoint("reset.agentGit", () => removeAll(join(place.workTree, ".git"))),
  ]);
  const [candidates, specials, said] = await Promise.all([
    listLeftovers(place),
    findSpecials(place.workTree),
    replaceFiles(place, base),
    pinBase(place, repository, base),
  ]);
  await removeSpecials(specials);
  // A submodule that the base does not have any more: git warns, and its files were not listed. And a
  // folder that held nothing but what git does not see was not empty for the checkout.
  const isKnown = said === "" && specials.length === 0;
  await removeLeftovers(place, isKnown ? candidates : null, clean);
  await emptySubmodules(place);
  await writeAgentGit(place, repository, base);
}

/**
 * `checkout --force` and not `read-tree --reset`: it compares the files with the index on all cores.
 * Answers what git warned of.
 */
async function replaceFiles(place: Place, base: Base): Promise<string> {
  const { stderr } = await failpoint("reset.tree", () =>
    ownGit(place, ["checkout", "--quiet", "--force", "--detach", base.commit], {
      config: { "core.logAllRefUpdates": "false" },
    }),
  );
  return stderr;
}

/** Of one that was made; that it can be used is not said. */
export async function hasWorkspace({ workTree }: Place): Promise<boolean> {
  return (await lstat(workTree).catch(() => null)) !== null;
}

/**
 * Everything in it must have been saved. The next reset makes a new one; it also goes on with what was cut
 * short, since nothing is taken for a workspace without the git directory that goes first. Throws as `resetWorkspace`.
 */
export async function removeWorkspace(place: Place): Promise<void> {
  await failpoint("reset.remove", async () => {
    await removeAll(place.ownGit);
    await removeAll(place.workTree);
  });
  const left = await lstat(place.workTree).catch(() => null);
  if (left !== null) throw new WorkspaceError(`${place.workTree} cannot be removed`);
}
