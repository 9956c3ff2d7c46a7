import { exitCodes, FailureError } from "../../ipc/errors.ts";
import {
  refuseInsideTask,
  refuseInvalidSettings,
  requireMaxParallel,
  startAndTell,
} from "../beginning.ts";
import { defineCommand } from "../command.ts";
import { endSupervisor } from "../ending.ts";
import { presentMaxParallel } from "../replacing.ts";
import type { Session } from "../session.ts";

export const command = defineCommand({
  usage: "restart",
  describe:
    "End the supervisor and start it again, for example after an upgrade. The queue is kept and agents run on; --max-parallel stays as it was given.",
  example: ["orchd restart", "Take up a new version of orchd"],
  positionals: {},
  options: {
    "max-parallel": {
      type: "number",
      value: "N",
      describe: "How many tasks may run at the same time, instead of what was said at the start",
    },
  },
  run: async (args, session) => {
    refuseInsideTask(session);
    const maxParallel = requireMaxParallel(args["max-parallel"]) ?? presentMaxParallel(session);
    await refuseInvalidSettings(session, maxParallel);
    await endIfRunning(session);
    await startAndTell(session, maxParallel);
    return exitCodes.done;
  },
});

/** What one wants is a supervisor that is new; that there was none before is no failure. */
async function endIfRunning(session: Session): Promise<void> {
  try {
    await endSupervisor(session, "restart");
  } catch (error) {
    if (!(error instanceof FailureError) || error.failure.code !== "no_supervisor") throw error;
    session.remark("No supervisor was running.");
  }
}
