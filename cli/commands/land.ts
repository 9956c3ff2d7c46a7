import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { landingLines, landingQueueLines } from "../render/landing.ts";

export const command = defineCommand({
  usage: "land",
  describe:
    "Bring your branch up to what has landed on orchd's, where `follow` is manual or had to stop.",
  example: ["orchd land", "Fast-forward the checked-out branch to the landed work"],
  positionals: {},
  options: {
    "accept-rewind": {
      type: "boolean",
      describe:
        "Your branch was reset, amended or rebased on purpose: go on from where it is, without what landed and is not on it",
    },
    reapply: {
      type: "boolean",
      describe:
        "The same, but make again on top of it what tasks landed and is missing; yours stays as you made it",
    },
  },
  run: async (args, session) => {
    const { "accept-rewind": accept_rewind, reapply } = args;
    if (accept_rewind && reapply)
      throw new FailureError(
        failure("usage", "land: --accept-rewind and --reapply exclude each other"),
      );
    const client = await session.connect();
    const view = await client.call("land", { accept_rewind, reapply });
    const look = session.look();
    const lines = [...landingLines(view, look), ...landingQueueLines(view, look)];
    if (session.json) session.printJson(view);
    else session.print(lines.map((line) => line.replace(/^ {2}/, "")).join("\n"));
    return view.held === null && view.follow_problem === null ? exitCodes.done : exitCodes.refused;
  },
});
