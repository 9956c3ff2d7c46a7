import { FailureError, failure } from "../../../ipc/errors.ts";
import { holdId, record } from "../params.ts";
import { isRecord } from "../../../ipc/message.ts";
import type { HoldOwner } from "../../../ipc/hold.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/**
 * Answered when it is durable; without effect when the hold has ended. Never overtakes its `lock`. Only
 * for its owner, who has ended what ran under it: freed by anybody else, that would go on.
 */
export async function unlock(
  params: unknown,
  context: ServerContext,
): Promise<Methods["unlock"]["result"]> {
  const hold = holdId(params, "hold");
  if (hold.startsWith("foreign:"))
    throw new FailureError(
      failure("refused", `${hold} ends when its file is removed`, {
        hint: `\`orchd locks break ${hold}\` removes it.`,
      }),
    );
  await context.holds.arrived(hold);
  const known = await context.read((state) => state.holds.get(hold));
  if (known?.owner && !isOwner(known.owner, record(params)["owner"]))
    throw new FailureError(
      failure("refused", `${hold} belongs to another process, ${known.owner.pid}`, {
        hint: `\`orchd locks break ${hold}\` ends what runs under it, and then frees it.`,
      }),
    );
  const because = known?.granted === null ? "withdrawn" : "released";
  await context.ask({ type: "unlock", hold, because });
  return {};
}

function isOwner(owner: HoldOwner, value: unknown): boolean {
  if (!isRecord(value)) return false;
  return Object.entries(owner).every(([key, fact]) => value[key] === fact);
}
