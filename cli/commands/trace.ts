import { exitCodes } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { tracePage } from "../render/trace.ts";
import { requireTaskId } from "../taskIds.ts";

export const command = defineCommand({
  usage: "trace <id>",
  describe: "Tell the whole life of a task: objective, decision, attempts, gate, commit.",
  example: ["orchd trace t7k2m9x0ab", "Where does this commit come from?"],
  positionals: {
    id: { type: "string", describe: "A task id, as `orchd history` shows it", required: true },
  },
  options: {},
  run: async ({ id }, session) => {
    const task = requireTaskId(id);
    const client = await session.connect();
    const view = await client.call("trace", { id: task });
    if (session.json) session.printJson(view);
    else session.print(tracePage(view, session.look()));
    return exitCodes.done;
  },
});
