import { exitCodes } from "../../ipc/errors.ts";
import { printChanges } from "../changes.ts";
import { defineCommand } from "../command.ts";
import { requireTaskIds } from "../taskIds.ts";

export const command = defineCommand({
  usage: "pause [id..]",
  describe:
    "Keep queued tasks from starting; what runs goes on. Without ids: all of them, also later ones.",
  example: ["orchd pause", "Start nothing until `orchd resume`"],
  positionals: { id: { type: "strings", describe: "Task ids; none: everything" } },
  options: {},
  run: async ({ id }, session) => {
    const ids = requireTaskIds(id);
    const client = await session.connect();
    const result = await client.call("pause", { ids });
    if (result.all && !session.json) session.print("Paused: nothing starts until `orchd resume`.");
    else printChanges(session, result, "paused");
    return exitCodes.done;
  },
});
