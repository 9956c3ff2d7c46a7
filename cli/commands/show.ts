import { exitCodes } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { taskPage } from "../render/task.ts";
import { requireTaskId } from "../taskIds.ts";

export const command = defineCommand({
  usage: "show <id>",
  describe: "Show all that is known of one task: what was asked, its attempts, what came of it.",
  example: ["orchd show t7k2m9x0ab", "Why did it fail, and where is its log?"],
  positionals: {
    id: { type: "string", describe: "A task id, as `orchd status` shows it", required: true },
  },
  options: {},
  run: async ({ id }, session) => {
    const task = requireTaskId(id);
    const client = await session.connect();
    const view = await client.call("show", { id: task });
    if (session.json) session.printJson(view);
    else session.print(taskPage(view, session.look()));
    return exitCodes.done;
  },
});
