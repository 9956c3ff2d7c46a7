import { exitCodes } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { lockTable } from "../render/locks.ts";

export const command = defineCommand({
  usage: "locks",
  describe: "List the paths and resources that are held, by which attempt, and who waits for them.",
  example: ["orchd locks", "Who holds src/auth/?"],
  positionals: {},
  options: {},
  run: async (_args, session) => {
    const client = await session.connect();
    const result = await client.call("locks", {});
    if (session.json) session.printJson(result);
    else session.print(lockTable(result.locks, session.look()));
    return exitCodes.done;
  },
});
