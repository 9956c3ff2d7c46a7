import { exitCodes } from "../../ipc/errors.ts";
import {
  refuseInsideTask,
  refuseInvalidSettings,
  requireMaxParallel,
  startAndTell,
} from "../beginning.ts";
import { defineCommand } from "../command.ts";
import { endPresentSupervisor, presentMaxParallel } from "../replacing.ts";

export const command = defineCommand({
  usage: "start",
  describe: "Start the supervisor of this repository in the background; returns when it is ready.",
  example: ["orchd start --max-parallel 4", "Run up to four tasks at the same time"],
  positionals: {},
  options: {
    "max-parallel": {
      type: "number",
      value: "N",
      describe: "How many tasks may run at the same time, instead of what orchd.yaml says",
    },
    replace: {
      type: "boolean",
      describe:
        "End the supervisor that runs first, by force if it does not answer; its agents run on",
    },
    foreground: { type: "boolean", describe: "Stay in the foreground, for service managers" },
  },
  run: async (args, session) => {
    refuseInsideTask(session);
    let maxParallel = requireMaxParallel(args["max-parallel"]);
    if (args.replace) {
      maxParallel ??= presentMaxParallel(session);
      await refuseInvalidSettings(session, maxParallel);
      await endPresentSupervisor(session);
    }
    if (args.foreground) {
      const { runSupervisorHere } = await session.ports.supervisor();
      return await runSupervisorHere({ directory: session.directory, maxParallel });
    }
    await startAndTell(session, maxParallel);
    return exitCodes.done;
  },
});
