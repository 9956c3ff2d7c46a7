import type { Oid } from "../../ipc/ids.ts";
import { checkedOut } from "./absorb.ts";
import {
  branchRef,
  followedRef,
  held,
  isAncestor,
  readRefs,
  stoppedBy,
  transact,
} from "./branch.ts";
import type { Broken, Fenced, Held, Refs, Writer } from "./branch.ts";
import { reapply } from "./reapply.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * A person reset, amended or rebased their branch, and says what shall become of it:
 *
 *     accept     it shall stay so: orchd's branch becomes what theirs is
 *     reapply    it shall stay so, but what tasks landed is made again on top of it (reapply.ts)
 *
 * What orchd's branch was is not lost either way: the old tip stays under `refs/orchd/rewound/`.
 * Landed commits that are made again have passed no gate on their new base; the next landing's does
 * test them, since it tests the whole tree.
 */
export type Rewind = "accept" | "reapply";

export type RewindResult =
  | {
      readonly kind: "accepted";
      readonly tip: Oid;
      /** The person's branch, which orchd's now contains. */
      readonly target: Oid;
      readonly kept: string;
      /** How many landed commits were made again. */
      readonly reapplied: number;
    }
  /** The target was not rewound, or that was accepted before. */
  | { readonly kind: "nothing"; readonly tip: Oid }
  | Held
  | Fenced
  | Broken;

export async function settleRewind(writer: Writer, how: Rewind): Promise<RewindResult> {
  try {
    const refs = await readRefs(writer);
    const { tip, target, checkedOutAt } = refs;
    if (tip === null || target === null)
      return held("branch_missing", `${tip === null ? "orchd/" : ""}${writer.target} is gone`);
    if (checkedOutAt !== null) return checkedOut(writer, checkedOutAt);
    if (!(await isRewound(writer, refs, target.oid))) return { kind: "nothing", tip: tip.oid };
    const next =
      how === "accept"
        ? { kind: "reapplied" as const, tip: target.oid, commits: 0 }
        : await reapply(writer, tip.oid, target);
    if (next.kind === "held") return next;
    const kept = `refs/orchd/rewound/${new Date().toISOString().replaceAll(/[-:.]/g, "")}`;
    const changes = [
      { ref: kept, to: tip.oid, from: null },
      { ref: branchRef(writer), to: next.tip, from: tip.oid },
      { ref: followedRef(writer), to: target.oid, from: refs.followed },
    ];
    const reason = `orchd: ${how} after the rewind of ${writer.target}`;
    const done = await failpoint("rewind.settle", () => transact(writer, changes, { reason }));
    if (done.kind !== "done") return done;
    return {
      kind: "accepted",
      tip: next.tip,
      target: target.oid,
      kept,
      reapplied: next.commits,
    };
  } catch (error) {
    return stoppedBy(error);
  }
}

async function isRewound(writer: Writer, { followed }: Refs, target: Oid): Promise<boolean> {
  return followed !== null && !(await isAncestor(writer, followed, target));
}
