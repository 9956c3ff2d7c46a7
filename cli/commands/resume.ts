import { exitCodes } from "../../ipc/errors.ts";
import { printChanges } from "../changes.ts";
import { defineCommand } from "../command.ts";
import { requireTaskIds } from "../taskIds.ts";

export const command = defineCommand({
  usage: "resume [id..]",
  describe: "Let paused tasks start again. Without ids: ends the pause of everything.",
  example: ["orchd resume", "Start tasks again"],
  positionals: { id: { type: "strings", describe: "Task ids; none: everything" } },
  options: {},
  run: async ({ id }, session) => {
    const ids = requireTaskIds(id);
    const client = await session.connect();
    const result = await client.call("resume", { ids });
    if (result.all && !session.json) session.print("Resumed: tasks start again.");
    else printChanges(session, result, "resumed");
    return exitCodes.done;
  },
});
