import { exitCodes } from "../../ipc/errors.ts";
import { requireMaxParallel } from "../beginning.ts";
import { defineCommand } from "../command.ts";
import { planPage } from "../render/plan.ts";
import { readSources, specsToPlan } from "../taskSources.ts";

export const command = defineCommand({
  usage: "plan <file..>",
  describe:
    "Show what the tasks of YAML or JSON files mean for each other, and run nothing: who conflicts on what, waves, the longest chain, what can never start.",
  example: [
    "orchd plan tasks.yaml",
    "Can they run side by side? Exit code 2 if one can never start",
  ],
  positionals: {
    file: { type: "strings", describe: "Task files; - for standard input", required: true },
  },
  options: {
    "max-parallel": {
      type: "number",
      value: "N",
      describe: "As if so many could run at the same time",
    },
    all: {
      type: "boolean",
      alias: "a",
      describe: "Every task of every wave, every listed conflict",
    },
  },
  run: async (args, session) => {
    const maxParallel = requireMaxParallel(args["max-parallel"]);
    const sources = await readSources(args.file, session.terminal, "plan");
    const specs = specsToPlan(sources);
    const { planFor } = await import("../planning.ts");
    const plan = await planFor(session, specs, maxParallel);
    if (session.json) session.printJson(plan);
    else session.print(planPage(plan, session.look(), args.all));
    return plan.never.length > 0 ? exitCodes.usage : exitCodes.done;
  },
});
