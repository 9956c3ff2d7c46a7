import { exitCodes } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { workerLines } from "../render/workers.ts";

export const command = defineCommand({
  usage: "workers",
  describe: "List the workers: process, state, what they run, and when they were last heard of.",
  example: ["orchd workers", "Which worker runs what?"],
  positionals: {},
  options: {},
  run: async (_args, session) => {
    const client = await session.connect();
    const result = await client.call("workers", {});
    if (session.json) session.printJson(result);
    else session.print(workerLines(result.workers, session.look(), "").join("\n") || "No workers.");
    return exitCodes.done;
  },
});
