import type { Oid } from "../../ipc/ids.ts";
import { git } from "../../system/git.ts";
import { durable, gitOnAgentObjects } from "./ownGit.ts";
import type { Place, Repository } from "./place.ts";
import { failpoint } from "../../system/failpoint.ts";

/** Packs with more objects stay packs; smaller ones become loose objects, as `git fetch` does it. */
const looseObjectsMax = 100;

/**
 * Brings commits that only the agent's clone has into the repository, with everything they need
 * beyond `known`. Packed by our own git directory (the agent's is read as an object store, its
 * configuration is not), unpacked with `--strict`: every object's name is computed again, and broken
 * or dangerous ones (a tree with an entry `.git`) are refused. Synced before it returns.
 *
 * Throws a `GitError` when the clone does not have them whole.
 */
export async function importCommits(
  place: Place,
  repository: Repository,
  commits: readonly Oid[],
  known: readonly Oid[],
): Promise<void> {
  const revisions = [...commits, ...known.map((oid) => `^${oid}`)];
  const packed = await gitOnAgentObjects(
    place,
    ["pack-objects", "--revs", "--stdout", "--thin", "--delta-base-offset", "-q"],
    { input: `${revisions.join("\n")}\n`, bytes: true },
  );
  const pack = Buffer.from(packed.stdout, "latin1");
  if (objectCount(pack) === 0) return;
  await failpoint("import.objects", async () => {
    const unpack =
      objectCount(pack) > looseObjectsMax
        ? ["index-pack", "--stdin", "--fix-thin", "--strict"]
        : ["unpack-objects", "-q", "--strict"];
    await git({ gitDir: repository.gitDir }, unpack, { input: pack, config: durable });
  });
}

/** A pack begins with `PACK`, its version and its number of objects, four bytes each. */
function objectCount(pack: Buffer): number {
  return pack.length < 12 ? 0 : pack.readUInt32BE(8);
}
