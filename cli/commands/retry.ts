import { exitCodes } from "../../ipc/errors.ts";
import { mintRequestId } from "../../ipc/ids.ts";
import { printChanges } from "../changes.ts";
import { defineCommand, taskIds } from "../command.ts";
import { requireTaskIds } from "../taskIds.ts";

export const command = defineCommand({
  usage: "retry <id..>",
  describe: "Queue failed or cancelled tasks again, under their ids and as they were submitted.",
  example: ["orchd retry t7k2m9x0ab", "Try a failed task once more"],
  positionals: taskIds,
  options: {},
  run: async ({ id }, session) => {
    const ids = requireTaskIds(id);
    const client = await session.connect();
    const result = await client.call("retry", { request: mintRequestId(), ids });
    printChanges(session, result, "queued again");
    return exitCodes.done;
  },
});
