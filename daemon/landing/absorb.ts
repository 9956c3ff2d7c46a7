import { git } from "../../system/git.ts";
import { isOid } from "../../ipc/ids.ts";
import type { Oid } from "../../ipc/ids.ts";
import { branchRef, followedRef, held, isAncestor, stoppedBy, transact } from "./branch.ts";
import type { Broken, Commit, Fenced, Held, LandingSite, Refs, Writer } from "./branch.ts";
import { mergeTree } from "./mergeTree.ts";
import { writeLanded } from "./signedCommit.ts";
import { refsNow } from "./refsNow.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * Brings what a person committed on the target into orchd's branch, so that following can stay a
 * fast-forward and never reverts them:
 *
 *     target is where it was accounted for last        nothing to do (the usual case: no git call)
 *     target is not a descendant of that               rewound: held until a person decides
 *     target is inside orchd's branch                  only the account is moved
 *     orchd's branch on the target's first parents     fast-forward
 *     otherwise                                        merge commit, orchd's branch as first parent
 *
 * The first-parent condition matters: "landed" means being on the first-parent chain of orchd's
 * branch, and a fast-forward onto a merge the other way round would take landed commits off it.
 */
export type Absorbed =
  | { readonly kind: "ready"; readonly tip: Commit; readonly target: Oid | null }
  | Held
  | Fenced
  | Broken;

export async function absorb(writer: Writer, refs: Refs, from?: Oid | null): Promise<Absorbed> {
  const { tip, target } = refs;
  if (tip === null)
    return held("branch_missing", `the branch orchd/${writer.target} is gone; restart to make it`);
  if (refs.checkedOutAt !== null) return checkedOut(writer, refs.checkedOutAt);
  const followed = refs.followed ?? from ?? null;
  if (target === null || target.oid === refs.followed)
    return { kind: "ready", tip, target: target?.oid ?? null };
  try {
    if (followed !== null && !(await isAncestor(writer, followed, target.oid)))
      return rewound(writer, target.oid);
    return await bringIn(writer, refs, tip, target);
  } catch (error) {
    return stoppedBy(error);
  }
}

export function checkedOut(site: LandingSite, where: string): Held {
  return held(
    "branch_checked_out",
    `orchd/${site.target} is checked out in ${where}; check out another branch there`,
  );
}

/** The person took back what orchd had accounted for; `null`: they did not. */
export async function rewoundNow(
  site: LandingSite,
  { target, followed }: Refs,
): Promise<Held | null> {
  if (target === null || followed === null || target.oid === followed) return null;
  return (await isAncestor(site, followed, target.oid)) ? null : rewound(site, target.oid);
}

function rewound(site: LandingSite, target: Oid): Held {
  return held(
    "rewound",
    `${site.target} was reset, amended or rebased and is now at ${target.slice(0, 12)}: \`orchd land\` with --accept-rewind or --reapply goes on`,
  );
}

async function bringIn(writer: Writer, refs: Refs, tip: Commit, target: Commit): Promise<Absorbed> {
  const next = await nextTip(writer, tip, target);
  if (next.kind !== "ready") return next;
  const account = { ref: followedRef(writer), to: target.oid, from: refs.followed };
  const branch = { ref: branchRef(writer), to: next.tip.oid, from: tip.oid };
  const changes = next.tip.oid === tip.oid ? [account] : [branch, account];
  const reason = `orchd: take in ${writer.target}`;
  const done = await failpoint("absorb.move", () => transact(writer, changes, { reason }));
  return done.kind === "done" ? { kind: "ready", tip: next.tip, target: target.oid } : done;
}

async function nextTip(writer: Writer, tip: Commit, target: Commit): Promise<Absorbed> {
  const ready = (commit: Commit): Absorbed => ({ kind: "ready", tip: commit, target: target.oid });
  if (await isAncestor(writer, target.oid, tip.oid)) return ready(tip);
  const walk = await firstParents(writer, tip.oid, target.oid);
  if (walk.reaches) return ready(target);
  const merged = await mergeTree(writer, tip, target.oid);
  if (merged.kind === "conflict")
    return held(
      "absorb_conflict",
      `new commits on ${writer.target} conflict with what landed: merge orchd/${writer.target} into it, and both go on`,
      merged.paths,
    );
  const commit = await writeLanded(writer, {
    tree: merged.tree,
    parents: [tip.oid, target.oid],
    message: `Merge branch '${writer.target}' into orchd/${writer.target}\n`,
    author: writer.identity,
    atMs: walk.committedAtMs,
  });
  return ready({ oid: commit, tree: merged.tree });
}

/** Walks the target's first parents down to what orchd's branch has: does the walk end exactly at its tip? */
async function firstParents(
  writer: Writer,
  tip: Oid,
  target: Oid,
): Promise<{ reaches: boolean; committedAtMs: number }> {
  const args = ["rev-list", "--first-parent", "--parents", "--timestamp", target, `^${tip}`];
  const lines = (await git(writer.place, args)).stdout.trim().split("\n");
  const [seconds = "0"] = lines[0]?.split(" ") ?? [];
  const oldest = lines.at(-1)?.split(" ").filter(isOid) ?? [];
  return { reaches: oldest[1] === tip, committedAtMs: Number(seconds) * 1000 };
}

/** Reads the refs and absorbs: how every step that builds on the branch begins. */
export async function absorbed(
  writer: Writer,
  from?: Oid | null,
): Promise<{ absorbed: Absorbed; refs: Refs }> {
  const refs = await refsNow(writer);
  return { refs, absorbed: await absorb(writer, refs, from) };
}
