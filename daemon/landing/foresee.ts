import { join } from "node:path";
import { mkdir, rm } from "node:fs/promises";
import { failpoint } from "../../system/failpoint.ts";
import { GitError, git } from "../../system/git.ts";
import { isOid, isTaskId } from "../../ipc/ids.ts";
import type { Oid, TaskId } from "../../ipc/ids.ts";
import { epochRef } from "./epochBlob.ts";
import type { LandingSite, Writer } from "./branch.ts";
import { shownPath } from "./mergeTree.ts";
import { moveRefs } from "./writerGit.ts";

/**
 * Would these two merge? Asked of work that still goes on, so nothing of the answer is kept: what git
 * writes on the way lies in a folder of its own, which is emptied now and then.
 */
const mergesPerFolder = 200;
const pathsMax = 100;
const mergeMsMax = 60_000;

/** Files that are made anew where two changes of them meet; `null`: there are none. */
export type LeftOut = ((path: string) => boolean) | null;

export class Foreseer {
  readonly #site: LandingSite;
  #merges = 0;

  constructor(site: LandingSite) {
    this.#site = site;
  }

  /**
   * The files that conflict, sorted, the first ones of many, without those that are to be left out; none:
   * they merge. Throws a `GitError`.
   */
  async merge(one: Oid, other: Oid, leftOut: LeftOut): Promise<readonly string[]> {
    const { place: at, attributes } = this.#site;
    const { gitDir } = at;
    const folder = join(gitDir, "orchd", "foresight");
    if (this.#merges % mergesPerFolder === 0) await rm(folder, { recursive: true, force: true });
    this.#merges += 1;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // The branch's, unless candidates are being merged onto each other just now.
    const place = { ...attributes.place, alternates: [join(gitDir, "objects")] };
    const args = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", one, other];
    const merged = await git(place, args, {
      accept: [0, 1],
      bytes: true,
      nice: true,
      timeoutMs: mergeMsMax,
      env: { GIT_OBJECT_DIRECTORY: folder },
    });
    const [tree = "", ...paths] = merged.stdout.split("\0");
    if (!isOid(tree)) throw new GitError(["merge-tree"], merged);
    if (merged.code === 0) return [];
    const shown = new Set(paths.filter(Boolean).map(shownPath));
    const counted = leftOut === null ? [...shown] : [...shown].filter((path) => !leftOut(path));
    return counted.toSorted().slice(0, pathsMax);
  }
}

const livePrefix = "refs/orchd/live/";

/** Removes the running states of all tasks but these: they are over. */
export async function sweepLive(writer: Writer, running: ReadonlySet<TaskId>): Promise<void> {
  const args = ["for-each-ref", "--format=%(refname)", livePrefix];
  const { stdout } = await git(writer.place, args);
  const over = stdout.split("\n").filter((ref) => {
    const task = ref.slice(livePrefix.length);
    return isTaskId(task) && !running.has(task);
  });
  if (over.length === 0) return;
  const lines = [`verify ${epochRef} ${writer.epochOid}`, ...over.map((ref) => `delete ${ref}`)];
  await failpoint("live.sweep", () => moveRefs(writer.git, lines));
}
