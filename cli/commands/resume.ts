import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import { printChanges } from "../changes.ts";
import { defineCommand } from "../command.ts";
import { requireTaskIds } from "../taskIds.ts";

export const command = defineCommand({
  usage: "resume [id..]",
  describe: "Let paused tasks start again. Without ids or label: ends the pause of everything.",
  example: ["orchd resume", "Start tasks again"],
  positionals: { id: { type: "strings", describe: "Task ids; none: everything" } },
  options: {
    label: { type: "string", value: "L", describe: "All tasks with this label, also later ones" },
  },
  run: async ({ id, label }, session) => {
    const ids = requireTaskIds(id);
    if (label !== undefined && ids.length > 0)
      throw new FailureError(failure("usage", "give ids or --label, not both"));
    const client = await session.connect();
    const result = await client.call("resume", label === undefined ? { ids } : { ids, label });
    if (label !== undefined && !session.json)
      session.print(`Resumed: tasks labelled ${label} start again.`);
    if (result.all && !session.json) session.print("Resumed: tasks start again.");
    else printChanges(session, result, "resumed");
    return exitCodes.done;
  },
});
