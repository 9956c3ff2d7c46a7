import { availableParallelism } from "node:os";
import { failure, FailureError } from "../../ipc/errors.ts";
import type { Oid } from "../../ipc/ids.ts";
import { git, gitLine } from "../../system/git.ts";
import type { GitPlace } from "../../system/git.ts";
import { findOutsideContent } from "../../system/outsideContent.ts";
import type { OutsideContent } from "../../system/outsideContent.ts";
import { findRepository } from "../../system/repository.ts";
import type { Repository } from "../../system/repository.ts";
import { proposePreparation } from "./ecosystems.ts";
import type { Preparation } from "./ecosystems.ts";
import { outsideNotes } from "../outsideNotes.ts";
import { homeOf } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { obstaclesTo } from "./obstacles.ts";

/** What `orchd init` proposes for a repository that can be worked in. */
export type Proposal = Preparation & {
  readonly commonDir: string;
  readonly workTree: string;
  readonly target: string;
  readonly maxParallel: number;
  /** Files such as `.env` that exist here and that git ignores. */
  readonly copy: readonly string[];
  /** What workspaces have only a stand-in for, in sentences. */
  readonly notes: readonly string[];
};

const copyMax = 20;
/** Agents wait for their models more than for a core, so even a small machine runs two. */
const parallelMin = 2;
const parallelMax = 8;
const globCharacters = /[*?[\]{}!\\]/;

/** Rejects with `not_a_repository`, or `unsuitable_repository` naming everything that stands in the way. */
export async function survey(
  directory: string,
  wanted: string | null,
  env: Environment,
): Promise<Proposal> {
  const found = await findRepository(directory);
  if (!found.ok) throw new FailureError(found.failure);
  const repository = found.value;
  const target = wanted ?? branchOf(repository);
  const obstacles = await obstaclesTo(repository, target, env);
  if (obstacles.length > 0) throw new FailureError(unsuitable(repository, obstacles));
  const { commonDir, workTree } = repository;
  if (workTree === null || target === null) throw new Error("obstacles were overlooked");
  const place: GitPlace = { gitDir: commonDir, workTree, configuration: "person" };
  return {
    commonDir,
    workTree,
    target,
    maxParallel: Math.min(parallelMax, Math.max(parallelMin, availableParallelism() - 1)),
    copy: await ignoredEnvFiles(place, env),
    ...(await preparation(place, target)),
    notes: outsideNotes(await outsideOf(place, target)),
  };
}

/** `null` when HEAD is detached. */
function branchOf({ head }: Repository): string | null {
  return head.ref?.replace(/^refs\/heads\//, "") ?? null;
}

function unsuitable(
  repository: Repository,
  obstacles: readonly { readonly message: string; readonly hint: string }[],
): FailureError["failure"] {
  const where = repository.workTree ?? repository.commonDir;
  const [only] = obstacles;
  if (only !== undefined && obstacles.length === 1)
    return failure("unsuitable_repository", `${where} ${only.message}.`, { hint: only.hint });
  const problems = obstacles.map(({ message, hint }) => ({
    file: null,
    line: null,
    column: null,
    field: "",
    message: `it ${message}. ${hint}`,
  }));
  return failure("unsuitable_repository", `orchd cannot work in ${where}:`, { problems });
}

async function outsideOf(place: GitPlace, target: string): Promise<OutsideContent> {
  const commit = await gitLine(place, ["rev-parse", `refs/heads/${target}^{commit}`]);
  return await findOutsideContent(place.gitDir, commit as Oid);
}

/** Looks at what is committed, because that is what a workspace gets. */
async function preparation(place: GitPlace, target: string): Promise<Preparation> {
  const tree = `refs/heads/${target}^{tree}`;
  const listed = await git(place, ["ls-tree", "--name-only", "-z", tree]);
  const names = new Set(listed.stdout.split("\0").filter(Boolean));
  const texts = new Map<string, string>();
  for (const name of ["package.json", "yarn.lock"])
    if (names.has(name))
      texts.set(name, await gitLine(place, ["cat-file", "blob", `refs/heads/${target}:${name}`]));
  return proposePreparation({ names, read: (name) => texts.get(name) ?? "" });
}

/** With `--directory`, so that git does not walk through installed packages to find them. */
async function ignoredEnvFiles(place: GitPlace, env: Environment): Promise<string[]> {
  const args = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"];
  const patterns = [":(glob).env*", ":(glob)**/.env*"];
  const { stdout } = await git(place, [...args, "--", ...patterns], { env: homeOf(env) });
  const files = stdout
    .split("\0")
    .filter((name) => name !== "" && !name.endsWith("/"))
    .filter((name) => !globCharacters.test(name));
  return files.slice(0, copyMax);
}
