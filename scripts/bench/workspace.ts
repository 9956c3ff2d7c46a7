import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { resetWorkspace } from "../../worker/workspace/reset.ts";
import type { Place, Repository } from "../../worker/workspace/place.ts";
import { diskFigures, percentile, rounded } from "./figures.ts";
import { makeLargeRepository, pathAt } from "./largeRepository.ts";

/**
 * A workspace of 50,000 files between two attempts, against a worktree for each, times in ms. Before
 * each reset the files are those of another base (20 files differ) and an attempt has left five files
 * edited, two new and one removed. `made` is the first one, which is made once a worker.
 */
const files = 50_000;
const filesPerWork = 20;
const resets = 12;
const resetsPerWorktree = 4;

export async function benchWorkspace(): Promise<Record<string, number>> {
  await using repository = await makeLargeRepository(files, resets, filesPerWork);
  const { dir, gitDir, folder, git } = repository;
  const place = placeIn(folder);
  const own = { gitDir, workTree: dir, landingRef: "refs/heads/main" } satisfies Repository;
  const baseOf = async (commit: (typeof repository.works)[number]) => ({
    commit,
    tree: (await git(["rev-parse", `${commit}^{tree}`])) as typeof commit,
  });
  const bases = await Promise.all(repository.works.map(baseOf));
  const first = await baseOf(repository.base);
  const made = await timed(() => resetWorkspace(place, own, first, "untracked"));
  const times: number[] = [];
  const added: number[] = [];
  for (const [at, base] of bases.entries()) {
    await leaveWork(place);
    times.push(await timed(() => resetWorkspace(place, own, base, "untracked")));
    if (at % resetsPerWorktree !== 0) continue;
    // Among the resets, so that both meet the same disk.
    const path = join(folder, `worktree-${at}`);
    added.push(await timed(() => git(["worktree", "add", "--quiet", "--detach", path, "main"])));
  }
  const [reset, worktree] = [percentile(times, 0.5), percentile(added, 0.5)];
  return rounded({
    files,
    made_ms: made,
    reset_p50_ms: reset,
    reset_max_ms: Math.max(...times),
    worktree_add_p50_ms: worktree,
    worktree_to_reset: worktree / reset,
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

async function timed(step: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await step();
  return performance.now() - begun;
}
