import type { Oid } from "../../ipc/ids.ts";
import { followedRef, targetRef, transact } from "./branch.ts";
import type { Broken, Fenced, Transaction, Writer } from "./branch.ts";

export type FollowRequest = {
  /** Where the target was left, believed only where `refs/orchd/followed` is missing. */
  readonly from: Oid | null;
  /** `false`: orchd's branch stays where it is, so commits of the person's are waited with. Default: it takes them in. */
  readonly takeIn?: boolean;
};

/** The person's branch: what following says about it, and the one way it is moved. */
export type FollowResult =
  | { readonly kind: "followed"; readonly from: Oid; readonly to: Oid }
  | { readonly kind: "current"; readonly tip: Oid }
  /** Nothing was changed; `paths` are the person's files it waits for, if it is files. */
  | { readonly kind: "waiting"; readonly reason: string; readonly paths: readonly string[] }
  /** The target is no longer a descendant of where it was accounted for. */
  | { readonly kind: "rewound"; readonly tip: Oid; readonly message: string }
  | Fenced
  | Broken;

export function waiting(reason: string, paths: readonly string[] = []): FollowResult {
  return { kind: "waiting", reason, paths };
}

export type TargetMove = { readonly from: Oid; readonly to: Oid };

/** Target and account in one transaction; `gitDir` is that of the checkout, for its reflog of HEAD. */
export async function moveTarget(
  writer: Writer,
  move: TargetMove,
  gitDir: string = writer.place.gitDir,
): Promise<Transaction> {
  const changes = [
    { ref: targetRef(writer), ...move },
    { ref: followedRef(writer), to: move.to, from: "any" as const },
  ];
  return await transact(writer, changes, {
    reason: `orchd: follow orchd/${writer.target}`,
    gitDir,
  });
}
