import { holderIds } from "../params.ts";
import { settle } from "../decision.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/** Answered when it is written down; the holders are ended behind it. */
export async function breakLocks(
  params: unknown,
  context: ServerContext,
): Promise<Methods["break_locks"]["result"]> {
  const holders = holderIds(params, "holders");
  const hints = { not_found: "`orchd locks` lists who holds one." };
  const answer = settle(await context.ask({ type: "breakLocks", holders }), "broken", hints);
  return { broken: [...answer.holders] };
}
