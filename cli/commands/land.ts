import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import { mintRequestId } from "../../ipc/ids.ts";
import { resolutionBranch } from "../../ipc/taskViews.ts";
import { printChanges } from "../changes.ts";
import { requireTaskId } from "../taskIds.ts";
import type { Session } from "../session.ts";
import { defineCommand } from "../command.ts";
import { shortOidLength } from "../render/outcome.ts";
import { landingLines, landingQueueLines } from "../render/landing.ts";

export const command = defineCommand({
  usage: "land",
  describe:
    "Bring your branch up to what has landed on orchd's, where `follow` is manual or had to stop.",
  example: ["orchd land", "Fast-forward the checked-out branch to the landed work"],
  positionals: {},
  options: {
    "accept-rewind": {
      type: "boolean",
      describe:
        "Your branch was reset, amended or rebased on purpose: go on from where it is, without what landed and is not on it",
    },
    reapply: {
      type: "boolean",
      describe:
        "The same, but make again on top of it what tasks landed and is missing; yours stays as you made it",
    },
    resolved: {
      type: "string",
      value: "ID",
      describe:
        "Land your resolution of a task that is parked because it conflicts; `orchd show ID` prints how to make one",
    },
    commit: {
      type: "string",
      value: "REV",
      describe: "With --resolved: the commit that resolves it (default: the branch resolve/ID)",
    },
  },
  run: async (args, session) => {
    const { "accept-rewind": accept_rewind, reapply, resolved, commit } = args;
    if (resolved === undefined && commit !== undefined)
      throw new FailureError(failure("usage", "land: --commit goes with --resolved ID"));
    if ([accept_rewind, reapply, resolved !== undefined].filter(Boolean).length > 1)
      throw new FailureError(
        failure("usage", "land: --accept-rewind, --reapply and --resolved exclude each other"),
      );
    if (resolved !== undefined) return await landResolution(session, resolved, commit);
    const client = await session.connect();
    const view = await client.call("land", { accept_rewind, reapply });
    const look = session.look();
    const lines = [...landingLines(view, look), ...landingQueueLines(view, look)];
    if (session.json) session.printJson(view);
    else session.print(lines.map((line) => line.replace(/^ {2}/, "")).join("\n"));
    return view.held === null && view.follow_problem === null ? exitCodes.done : exitCodes.refused;
  },
});

async function landResolution(
  session: Session,
  id: string,
  revision: string | undefined,
): Promise<number> {
  const task = requireTaskId(id);
  const named = revision ?? resolutionBranch(task);
  const { commitNamed } = await import("../../system/repository.ts");
  const commit = await commitNamed(session.directory, named);
  if (commit === null) {
    const hint = `\`orchd show ${task}\` prints how to make a resolution; --commit REV names one that is elsewhere.`;
    throw new FailureError(failure("not_found", `there is no commit ${named}`, { hint }));
  }
  const client = await session.connect();
  const result = await client.call("resolve", { request: mintRequestId(), task, commit });
  printChanges(session, result, `lands ${commit.slice(0, shortOidLength)} as its work`);
  session.remark(`\`orchd wait ${task}\` tells when it has landed, or why it could not.`);
  return exitCodes.done;
}
