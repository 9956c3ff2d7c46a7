import type { Oid } from "../../ipc/ids.ts";
import { checkedOut } from "./absorb.ts";
import {
  branchRef,
  brokenBy,
  followedRef,
  held,
  isAncestor,
  readRefs,
  transact,
} from "./branch.ts";
import type { Broken, Fenced, Held, Refs, Writer } from "./branch.ts";
import { failpoint } from "../../system/failpoint.ts";

/**
 * A person reset, amended or rebased their branch, and says it shall stay so: orchd's branch becomes
 * what theirs is. What landed since is not lost: the old tip stays under `refs/orchd/rewound/`.
 */
export type RewindResult =
  | { readonly kind: "accepted"; readonly tip: Oid; readonly kept: string }
  /** The target was not rewound, or that was accepted before. */
  | { readonly kind: "nothing"; readonly tip: Oid }
  | Held
  | Fenced
  | Broken;

export async function acceptRewind(writer: Writer): Promise<RewindResult> {
  try {
    const refs = await readRefs(writer);
    const { tip, target, checkedOutAt } = refs;
    if (tip === null || target === null)
      return held("branch_missing", `${tip === null ? "orchd/" : ""}${writer.target} is gone`);
    if (checkedOutAt !== null) return checkedOut(writer, checkedOutAt);
    if (!(await isRewound(writer, refs, target.oid))) return { kind: "nothing", tip: tip.oid };
    const kept = `refs/orchd/rewound/${new Date().toISOString().replaceAll(/[-:.]/g, "")}`;
    const changes = [
      { ref: kept, to: tip.oid, from: null },
      { ref: branchRef(writer), to: target.oid, from: tip.oid },
      { ref: followedRef(writer), to: target.oid, from: refs.followed },
    ];
    const reason = `orchd: accept the rewind of ${writer.target}`;
    const done = await failpoint("rewind.accept", () => transact(writer, changes, { reason }));
    return done.kind === "done" ? { kind: "accepted", tip: target.oid, kept } : done;
  } catch (error) {
    return brokenBy(error);
  }
}

async function isRewound(writer: Writer, { followed }: Refs, target: Oid): Promise<boolean> {
  return followed !== null && !(await isAncestor(writer, followed, target));
}
