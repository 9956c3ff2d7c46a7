import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { failpoint } from "../../system/failpoint.ts";
import { updateRef } from "./updateRef.ts";
import type { Base, Place, Repository } from "./place.ts";

/**
 * `refs/orchd/bases/<worker>`: the commit a workspace stands on. It borrows the person's objects, so
 * a `git gc --prune=now` after they dropped that commit would leave it without, and the work in it
 * could not even be compared with its base. One ref a worker, moved with each reset.
 */
export async function pinBase(place: Place, repository: Repository, base: Base): Promise<void> {
  const ref = `refs/orchd/bases/${basename(place.folder)}`;
  const there = await readFile(join(repository.gitDir, ref), "utf8").catch(() => "");
  if (there.trim() === base.commit) return;
  await failpoint("reset.pin", () => updateRef(repository, ref, base.commit));
}
