import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import { printChanges } from "../changes.ts";
import { defineCommand } from "../command.ts";
import { requireTaskIds } from "../taskIds.ts";

export const command = defineCommand({
  usage: "pause [id..]",
  describe:
    "Keep queued tasks from starting; what runs goes on. Without ids or label: all of them, also later ones.",
  example: ["orchd pause", "Start nothing until `orchd resume`"],
  positionals: { id: { type: "strings", describe: "Task ids; none: everything" } },
  options: {
    label: { type: "string", value: "L", describe: "All tasks with this label, also later ones" },
  },
  run: async ({ id, label }, session) => {
    const ids = requireTaskIds(id);
    if (label !== undefined && ids.length > 0)
      throw new FailureError(failure("usage", "give ids or --label, not both"));
    const client = await session.connect();
    const result = await client.call("pause", label === undefined ? { ids } : { ids, label });
    if (label !== undefined && !session.json)
      session.print(
        `Paused: nothing labelled ${label} starts until \`orchd resume --label ${label}\`.`,
      );
    if (result.all && !session.json) session.print("Paused: nothing starts until `orchd resume`.");
    else printChanges(session, result, "paused");
    return exitCodes.done;
  },
});
