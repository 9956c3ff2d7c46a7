import { exitCodes } from "../../ipc/errors.ts";
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
      describe: "Your branch was reset, amended or rebased on purpose: go on from where it is",
    },
  },
  run: async (args, session) => {
    const client = await session.connect();
    const view = await client.call("land", { accept_rewind: args["accept-rewind"] });
    const look = session.look();
    const lines = [...landingLines(view, look), ...landingQueueLines(view, look)];
    if (session.json) session.printJson(view);
    else session.print(lines.map((line) => line.replace(/^ {2}/, "")).join("\n"));
    return view.held === null && view.follow_problem === null ? exitCodes.done : exitCodes.refused;
  },
});
