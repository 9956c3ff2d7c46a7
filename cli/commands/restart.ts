import { exitCodes, FailureError } from "../../ipc/errors.ts";
import { requireMaxParallel, startAndTell } from "../beginning.ts";
import { defineCommand } from "../command.ts";
import { endSupervisor } from "../ending.ts";
import type { Session } from "../session.ts";

export const command = defineCommand({
  usage: "restart",
  describe:
    "End the supervisor and start it again, for example after an upgrade. The queue is kept and agents run on; options of `start` are given again.",
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
    await refuseInvalidSettings(session, maxParallel);
    await endIfRunning(session);
    await startAndTell(session, maxParallel);
    return exitCodes.done;
  },
});

/** What the next supervisor would refuse must not cost the one that runs. All else it says itself. */
async function refuseInvalidSettings(session: Session, maxParallel: number | null): Promise<void> {
  const { readSettings } = await import("../configFile.ts");
  try {
    await readSettings(session, maxParallel === null ? {} : { max_parallel: maxParallel });
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === "invalid_config") throw error;
  }
}

/** What one wants is a supervisor that is new; that there was none before is no failure. */
async function endIfRunning(session: Session): Promise<void> {
  try {
    await endSupervisor(session, "restart");
  } catch (error) {
    if (!(error instanceof FailureError) || error.failure.code !== "no_supervisor") throw error;
    session.remark("No supervisor was running.");
  }
}
