import type { Oid } from "../../ipc/ids.ts";
import { git } from "../../system/git.ts";
import { pastDeadLocks } from "../../system/refLocks.ts";
import { durable } from "./ownGit.ts";
import type { Repository } from "./place.ts";

/** Moves or makes a ref of orchd's in the repository, synced. Throws a `GitError`. */
export async function updateRef(repository: Repository, ref: string, commit: Oid): Promise<void> {
  const { gitDir } = repository;
  await pastDeadLocks(gitDir, [ref], async () => {
    await git({ gitDir }, ["update-ref", ref, commit], { config: durable });
  });
}
