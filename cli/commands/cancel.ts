import { exitCodes } from "../../ipc/errors.ts";
import { printChanges } from "../changes.ts";
import { defineCommand, taskIds } from "../command.ts";
import { requireTaskIds } from "../taskIds.ts";

export const command = defineCommand({
  usage: "cancel <id..>",
  describe: "End tasks that run and take queued ones out of the queue. What a task did is saved.",
  example: ["orchd cancel t7k2m9x0ab", "End one task"],
  positionals: taskIds,
  options: {},
  run: async ({ id }, session) => {
    const ids = requireTaskIds(id);
    const client = await session.connect();
    printChanges(session, await client.call("cancel", { ids }), "cancelled");
    return exitCodes.done;
  },
});
