import type { EndView } from "../../ipc/taskViews.ts";
import { assertAtRest, landedCommits } from "../helpers/supervised.ts";
import type { Site } from "./site.ts";

/**
 * What must hold when everything has landed and nothing runs any more, whatever was killed before.
 * The answer is what does not hold, in words; empty if all does.
 */
export type Expected = {
  /** Every acknowledged task, and how it ended. */
  readonly ends: readonly EndView[];
  /** Tasks whose agent fails, so nothing of them lands. */
  readonly failing: ReadonlySet<string>;
};

export async function brokenAtRest(site: Site, expected: Expected): Promise<string[]> {
  const rest = await assertAtRest(site.repository, site.foreignLocks.names).then(
    () => [],
    (error: unknown) => [`at rest: ${String(error)}`],
  );
  const foreign = site.foreignLocks.touched().map((name) => `somebody's ${name} was touched`);
  return [
    ...rest,
    ...foreign,
    ...(await brokenCommits(site, expected)),
    ...(await brokenCheckout(site)),
  ];
}

/** S1, S2: every task succeeded, and is exactly one commit on the first-parent chain, with one parent. */
async function brokenCommits(site: Site, { ends, failing }: Expected): Promise<string[]> {
  const { git } = site.repository;
  const landed = await landedCommits(site.repository);
  const parents = await git("log", "--format=%H %P", "--grep=^Orchd-Task:", "orchd/main");
  const lines = parents.split("\n").filter(Boolean);
  const merged = lines.filter((line) => line.split(" ").length !== 2);
  const onChain = [...landed.values()].flat().length;
  return [
    ...ends.flatMap(({ id, status, commit }) => {
      if (status !== (failing.has(id) ? "failed" : "succeeded"))
        return [`${id} ended as ${status}`];
      const commits = (landed.get(id) ?? []).join(" ");
      const wanted = failing.has(id) ? "" : commit;
      return commits === wanted ? [] : [`${id} has the commits "${commits}", not "${wanted}"`];
    }),
    ...merged.map((line) => `a landed commit has other than one parent: ${line}`),
    ...(lines.length === onChain
      ? []
      : [`${lines.length} landed commits, ${onChain} on the chain`]),
  ];
}

/** The person's files are those of a commit that orchd's branch has, with nothing in between. */
async function brokenCheckout({ repository, tree }: Site): Promise<string[]> {
  const git = (...args: readonly string[]): Promise<string> =>
    repository.git("-C", tree.dir, ...args);
  const status = await git("status", "--porcelain");
  const isInside = await git("merge-base", "--is-ancestor", "HEAD", "orchd/main").then(
    () => true,
    () => false,
  );
  return [
    ...(status === "" ? [] : [`the person's checkout is changed: ${status}`]),
    ...(isInside ? [] : ["the person's branch is not inside orchd's"]),
  ];
}
