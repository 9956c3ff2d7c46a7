import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultConfig } from "../../ipc/configDefaults.ts";
import type { TaskId } from "../../ipc/ids.ts";
import { resetWorkspace } from "../../worker/workspace/reset.ts";
import { saveWorkspace } from "../../worker/workspace/save.ts";
import type { Base, Place, Repository } from "../../worker/workspace/place.ts";
import { benchBringIn } from "./bringIn.ts";
import { diskFigures, rounded } from "./figures.ts";
import { makeLargeRepository, pathAt } from "./largeRepository.ts";
import { Series } from "./series.ts";

/**
 * A workspace of 50,000 files between two attempts, against a worktree for each, times in ms. Before
 * each reset the files are those of another base (20 files differ) and an attempt has left five files
 * edited, two new and one removed. `made` is the first one, which is made once a worker.
 *
 * Every base takes its turn at all of it, one after the other, so that all meet the same machine:
 *
 *     leave work ─► save ─► reset          as between two attempts
 *     leave work ─► reset (`unsaved`)      as after a gate, where nothing was saved
 *     `git worktree add`, and its removal
 *
 * After that commits are brought in by two ways (bringIn.ts).
 *
 * `cpu` is of git alone, in the mean of all: what is left when other programs share the machine.
 */
const files = 50_000;
const filesPerWork = 20;
const rounds = 12;

export async function benchWorkspace(): Promise<Record<string, number>> {
  await using repository = await makeLargeRepository(files, rounds, filesPerWork);
  const { dir, gitDir, folder, git } = repository;
  const place = placeIn(folder);
  const own = { gitDir, workTree: dir, landingRef: "refs/heads/main" } satisfies Repository;
  const baseOf = async (commit: Base["commit"]): Promise<Base> => ({
    commit,
    tree: (await git(["rev-parse", `${commit}^{tree}`])) as Base["tree"],
  });
  const bases = await Promise.all(repository.works.map(baseOf));
  let base = await baseOf(repository.base);
  const reset = (): Promise<unknown> => resetWorkspace(place, own, base, "untracked");
  const made = new Series();
  const saves = new Series();
  const resets = new Series();
  const unsaved = new Series();
  const added = new Series();
  await made.time(reset);
  for (const [at, next] of bases.entries()) {
    await leaveWork(place);
    const request = {
      task: "bench" as TaskId,
      attempt: at + 1,
      base,
      startedAt: 0,
      policy: defaultConfig.save,
    };
    await saves.time(() => saveWorkspace(place, own, request));
    base = next;
    await resets.time(reset);
    await leaveWork(place);
    base = bases[(at + 5) % rounds] ?? next;
    await unsaved.time(reset);
    const path = join(folder, "worktree");
    await added.time(() => git(["worktree", "add", "--quiet", "--detach", path, base.commit]));
    await git(["worktree", "remove", "--force", path]);
  }
  await reset();
  const brought = await benchBringIn(place, own, base);
  return rounded({
    files,
    made_ms: made.p50(),
    save_p50_ms: saves.p50(),
    reset_p50_ms: resets.p50(),
    reset_max_ms: resets.p100(),
    unsaved_p50_ms: unsaved.p50(),
    worktree_add_p50_ms: added.p50(),
    worktree_to_reset: added.p50() / resets.p50(),
    reset_cpu_ms: resets.cpu(),
    unsaved_cpu_ms: unsaved.cpu(),
    worktree_add_cpu_ms: added.cpu(),
    ...brought,
    ...diskFigures(folder),
  });
}

async function leaveWork({ workTree }: Place): Promise<void> {
  for (let at = 0; at < 5; at += 1)
    await writeFile(join(workTree, pathAt(at * 777 + 3)), "edited\n");
  for (const name of ["new.txt", "src/new.txt"]) await writeFile(join(workTree, name), "new\n");
  await rm(join(workTree, pathAt(4_242)), { force: true });
}

function placeIn(folder: string): Place {
  const at = (name: string): string => join(folder, "worker-1", name);
  return {
    repositoryId: () => "bench",
    folder: at(""),
    workTree: at("workspace"),
    ownGit: at("own.git"),
    held: at("held.json"),
    temporary: at("tmp"),
    setAside: at("set-aside"),
  };
}
