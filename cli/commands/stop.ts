import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import { refuseInsideTask } from "../beginning.ts";
import { defineCommand } from "../command.ts";
import { endedSentence, endSupervisor } from "../ending.ts";

export const command = defineCommand({
  usage: "stop",
  describe:
    "End the supervisor and its workers. What running attempts did is saved; the queue is kept.",
  example: ["orchd stop --drain", "Let what runs finish first"],
  positionals: {},
  options: {
    drain: { type: "boolean", describe: "Start nothing more, and end when what runs has finished" },
    now: { type: "boolean", describe: "End what runs (politely, then by force); the default" },
  },
  run: async ({ drain, now }, session) => {
    if (drain && now)
      throw new FailureError(failure("usage", "stop: --drain and --now exclude each other."));
    refuseInsideTask(session, "stop");
    const ended = await endSupervisor(session, drain ? "drain" : "now");
    if (session.json) session.printJson(ended);
    else session.print(endedSentence(ended));
    return exitCodes.done;
  },
});
