import { FailureError, failure } from "../../../ipc/errors.ts";
import { holdId } from "../params.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/** Answered when it is durable; without effect when the hold has ended. Never overtakes its `lock`. */
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
  const because = known?.granted === null ? "withdrawn" : "released";
  await context.ask({ type: "unlock", hold, because });
  return {};
}
