import type { WorkspaceConfig } from "../../ipc/configSpec.ts";
import { GitError } from "../../system/git.ts";
import { failpoint } from "../../system/failpoint.ts";
import { ownGit } from "./ownGit.ts";
import type { Place } from "./place.ts";

/**
 * What an attempt left that no index knows has to go, empty folders and embedded repositories
 * included. Looking through every folder for it takes as long as half a checkout, so the looking is
 * done beside the checkout, against the index of before it:
 *
 *     index of before ──ls-files --others──► candidates      while git checks out the new base
 *     candidates ──clean, only below them──► gone            by the new index and its .gitignore
 *
 * Nothing is missed: what is not in the index of before and survives the checkout was there when its
 * folder was listed. .gitignore plays no part in the listing, since the agent may have changed it.
 * Where the candidates cannot be named one by one, everything is looked through again.
 */
const namedMax = 64;

/** `null`: not known. Paths end in `/` where a whole folder is in no index. */
export type Candidates = readonly string[] | null;

export async function listLeftovers(place: Place): Promise<Candidates> {
  try {
    const { stdout } = await ownGit(place, ["ls-files", "--others", "--directory", "-z"]);
    const paths = stdout.split("\0").filter((path) => path !== "");
    // A name that is not UTF-8 cannot be given to git as an argument.
    return paths.length > namedMax || stdout.includes("\ufffd") ? null : paths;
  } catch (error) {
    // Without an index that can be read nothing is known.
    if (error instanceof GitError) return null;
    throw error;
  }
}

/** Removes what is not tracked; ignored files stay unless `clean` is `all`. Throws a `GitError`. */
export async function removeLeftovers(
  place: Place,
  candidates: Candidates,
  clean: WorkspaceConfig["clean"],
): Promise<void> {
  if (candidates?.length === 0) return;
  const flags = clean === "all" ? "-ffdxq" : "-ffdq";
  const named = (candidates ?? []).map((path) => `:(top,literal)${path}`);
  await failpoint("reset.clean", () => ownGit(place, ["clean", flags, "--", ...named]));
}
