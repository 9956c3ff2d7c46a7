import { exitCodes } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { gcLines } from "../render/gc.ts";

export const command = defineCommand({
  usage: "gc",
  describe:
    "Remove from git what `retention` no longer keeps of ended tasks, and pack its objects. The supervisor does it.",
  example: ["orchd gc --dry-run", "What would be removed?"],
  positionals: {},
  options: {
    "dry-run": { type: "boolean", describe: "Only say what would be removed; change nothing" },
  },
  run: async (args, session) => {
    const client = await session.connect();
    const view = await client.call("gc", { dry_run: args["dry-run"] });
    if (session.json) session.printJson(view);
    else session.print(gcLines(view).join("\n"));
    return view.problem === null ? exitCodes.done : exitCodes.refused;
  },
});
