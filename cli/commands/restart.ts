import { exitCodes } from "../../ipc/errors.ts";
import { requireMaxParallel, startAndTell } from "../beginning.ts";
import { defineCommand } from "../command.ts";
import { endSupervisor } from "../ending.ts";

export const command = defineCommand({
  usage: "restart",
  describe:
    "End the supervisor and start it again, for example after an upgrade. The queue is kept.",
  example: ["orchd restart", "Take up a new version of orchd"],
  positionals: {},
  options: {
    "max-parallel": {
      type: "number",
      value: "N",
      describe: "How many tasks may run at the same time, instead of what orchd.yaml says",
    },
  },
  run: async (args, session) => {
    const maxParallel = requireMaxParallel(args["max-parallel"]);
    await endSupervisor(session, "restart");
    await startAndTell(session, maxParallel);
    return exitCodes.done;
  },
});
