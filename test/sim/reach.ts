import { everything, maskOf } from "./paths.ts";
import type { ClaimSet } from "../../ipc/taskSpec.ts";

/** What a task may read and write, path by path, and whether two tasks may run beside each other: the oracle for S3. */
export type Reach = {
  readonly writes: number;
  readonly reads: number;
  /** It claims the whole repository. */
  readonly whole: boolean;
  /** It claims nothing beforehand. */
  readonly optimistic: boolean;
};

/** `touched`: paths that earlier attempts wrote, as bits. */
export function reachOf(claims: ClaimSet | null, touched: number): Reach {
  if (claims === null) return { writes: touched, reads: 0, whole: false, optimistic: true };
  const whole = claims.writes.includes(everything);
  const writes = maskOf(claims.writes) | touched;
  return { writes, reads: maskOf(claims.reads), whole, optimistic: false };
}

export function mayMeet(a: Reach, b: Reach): boolean {
  const shared = (a.writes & (b.writes | b.reads)) | (a.reads & b.writes);
  return shared !== 0 || (a.whole && b.optimistic) || (b.whole && a.optimistic);
}
