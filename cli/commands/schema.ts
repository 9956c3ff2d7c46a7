import { exitCodes } from "../../ipc/errors.ts";
import { configJsonSchema, taskJsonSchema } from "../../ipc/schema.ts";
import { defineCommand } from "../command.ts";

export const command = defineCommand({
  usage: "schema [what]",
  describe: "Print the JSON Schema of task files, or of orchd.yaml, for editors and programs.",
  example: ["orchd schema config > orchd.schema.json", "Let an editor complete orchd.yaml"],
  positionals: {
    what: { type: "string", choices: ["task", "config"], describe: "Which one (default: task)" },
  },
  options: {},
  run: async ({ what }, session) => {
    const schema = what === "config" ? configJsonSchema() : taskJsonSchema();
    session.print(JSON.stringify(schema, null, 2));
    return exitCodes.done;
  },
});
