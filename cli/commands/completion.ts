import { exitCodes } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { completions } from "../completions.ts";
import { completionScript } from "../render/completionScript.ts";
import type { Shell } from "../render/completionScript.ts";

export const command = defineCommand({
  usage: "completion [shell]",
  describe: "Print a script that completes commands, options and task ids in bash, zsh or fish.",
  example: ["orchd completion bash >> ~/.bashrc", "Complete from the next shell on"],
  takesCommandLine: true,
  positionals: {
    shell: {
      type: "string",
      choices: ["bash", "zsh", "fish"],
      describe: "Your shell (default: from $SHELL)",
    },
  },
  options: {
    words: { type: "boolean", describe: "Print what may come next; what the script calls" },
  },
  run: async ({ shell, words }, session, commandLine) => {
    if (words) {
      for (const word of await completions(commandLine, session)) session.print(word);
      return exitCodes.done;
    }
    const named = shell ?? session.terminal.env["SHELL"]?.split("/").at(-1);
    session.print(completionScript(isShell(named) ? named : "bash"));
    return exitCodes.done;
  },
});

function isShell(name: string | undefined): name is Shell {
  return name === "bash" || name === "zsh" || name === "fish";
}
