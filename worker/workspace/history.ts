import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { SavePolicy } from "../../ipc/configSpec.ts";
import type { Oid } from "../../ipc/ids.ts";
import type { KeptBackFile } from "../../ipc/workerMessages.ts";
import { GitError } from "../../system/git.ts";
import { readHead, readStrays } from "./agentRefs.ts";
import { setRepositoriesAside } from "./embedded.ts";
import { suspectsInHistory } from "./historySuspects.ts";
import { keptBackOf, noteCommitted } from "./keepBack.ts";
import { settleAgentObjects } from "./agentObjects.ts";
import { gitOnAgentObjects } from "./ownGit.ts";
import type { Base, Owner, Place, Repository } from "./place.ts";

/** What the agent committed. */
export type History = {
  /** `null`: nothing, or nothing that may be saved. */
  readonly head: Oid | null;
  /** Stashes and other branches. */
  readonly strays: readonly Oid[];
};

type Request = Owner & { readonly base: Base; readonly policy?: SavePolicy };

/**
 * What of the agent's commits may come into the repository beside `tree`, the files as they are saved. Where files
 * were kept back, its commits may have them too; and where its commits hold what would have been kept back
 * as a file, they are told by name. Either way its `.git` goes aside whole, beside those files, and nothing of
 * it comes into the repository.
 *
 *     files kept back? ──yes──────────────────────────────► aside
 *       └─no─► commits that hold what may not come in? ──yes──► noted, aside
 *                └─no─► head and strays; without those that are not whole, or no commits (a tag may name a file)
 */
export async function historyOf(
  place: Place,
  repository: Repository,
  request: Request,
  tree: Oid,
): Promise<History> {
  const { base, policy } = request;
  if (policy !== undefined && (await keptBackOf(place, request, policy)) !== null)
    return await setAside(place, request);
  const agentGit = join(place.workTree, ".git");
  const head = await readHead(agentGit);
  const known = head === null ? [base.commit] : [base.commit, head];
  const strays = await readStrays(agentGit, known);
  const own = head === null || head === base.commit ? strays : [head, ...strays];
  if (own.length === 0) return { head, strays };
  if (!(await settleAgentObjects(place, repository))) return nothing;
  const looked = await lookInto(place, { base, tree, policy }, own);
  if (looked.suspects.length > 0) {
    await noteCommitted(place, request, looked.suspects);
    return await setAside(place, request);
  }
  const isWhole = (oid: Oid): boolean => oid === base.commit || looked.whole.has(oid);
  return { head: head !== null && isWhole(head) ? head : null, strays: strays.filter(isWhole) };
}

const nothing: History = { head: null, strays: [] };

async function setAside(place: Place, owner: Owner): Promise<History> {
  const isThere = (await lstat(join(place.workTree, ".git")).catch(() => null)) !== null;
  if (isThere) await setRepositoriesAside(place, owner, [Buffer.from(".")]);
  return nothing;
}

type LookedFor = {
  readonly base: Base;
  readonly tree: Oid;
  readonly policy: SavePolicy | undefined;
};
type Looked = { readonly suspects: readonly KeptBackFile[]; readonly whole: ReadonlySet<Oid> };

/**
 * All at once; one by one where git cannot read one of them, which is then left out. One that did not
 * end would not end for each of them either.
 */
async function lookInto(
  place: Place,
  { base, tree, policy }: LookedFor,
  tips: readonly Oid[],
): Promise<Looked> {
  try {
    await mustBeCommits(place, tips);
    const suspects =
      policy === undefined ? [] : await suspectsInHistory(place, base, tree, tips, policy);
    return { suspects, whole: new Set(tips) };
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    const hasAnswered = error.result.code !== null;
    if (tips.length <= 1 || !hasAnswered) return { suspects: [], whole: new Set() };
  }
  const each: Looked[] = [];
  for (const tip of tips) each.push(await lookInto(place, { base, tree, policy }, [tip]));
  return {
    suspects: each.flatMap(({ suspects }) => suspects),
    whole: new Set(each.flatMap(({ whole }) => [...whole])),
  };
}

/** Or tags of commits. Throws a `GitError`. */
async function mustBeCommits(place: Place, tips: readonly Oid[]): Promise<void> {
  const input = tips.map((oid) => `${oid}^{commit}\n`).join("");
  const args = ["cat-file", "--batch-check=%(objecttype)"];
  const result = await gitOnAgentObjects(place, args, { input });
  const found = result.stdout.split("\n").filter((line) => line === "commit").length;
  if (found !== tips.length) throw new GitError(args, { ...result, problem: "no commit" });
}
