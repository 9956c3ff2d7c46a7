import { GitError } from "../../../system/git.ts";
import { FailureError, failure } from "../../../ipc/errors.ts";
import { flag } from "../params.ts";
import type { Methods } from "../../../ipc/methods.ts";
import type { ServerContext } from "../context.ts";

/** The one writer removes and packs; who asks only waits. */
export async function gc(
  params: unknown,
  context: ServerContext,
): Promise<Methods["gc"]["result"]> {
  try {
    return await context.collect({ dryRun: flag(params, "dry_run") });
  } catch (error) {
    if (error instanceof GitError) throw new FailureError(failure("refused", error.message));
    throw error;
  }
}
