import { exitCodes, FailureError } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { plural } from "../render/text.ts";
import type { Session } from "../session.ts";
import { submitTasks } from "../submission.ts";
import type { Submitted } from "../submission.ts";
import { placedIn, readSources, specsOf } from "../taskSources.ts";
import { waitAndTell } from "../waiting.ts";

export const command = defineCommand({
  usage: "submit <file..>",
  describe:
    "Submit the tasks of YAML or JSON files (- is standard input): all of them, or none when one is not valid.",
  example: ["orchd submit tasks.yaml --wait", "Submit and wait for the outcome"],
  positionals: {
    file: { type: "strings", describe: "Task files; - for standard input", required: true },
  },
  options: {
    wait: { type: "boolean", alias: "w", describe: "Wait for them; exit code 1 if one fails" },
    waves: {
      type: "boolean",
      describe: "Start a wave of `orchd plan` only when all of the wave before have ended",
    },
  },
  run: async ({ file, wait, waves }, session) => {
    const sources = await readSources(file, session.terminal);
    const submitted = await submitTasks(
      session,
      (timeoutMs) => specsOf(sources, timeoutMs),
      waves ? "with barriers" : "as claims allow",
    ).catch((error: unknown) => {
      if (!(error instanceof FailureError)) throw error;
      throw new FailureError(placedIn(sources, error.failure));
    });
    if (wait) {
      session.remark(`Submitted ${plural(submitted.ids.length, "task")}.`);
      return await waitAndTell(session, submitted.ids);
    }
    if (session.json) session.printJson(submitted);
    else printIds(session, submitted);
    return exitCodes.done;
  },
});

function printIds(session: Session, { ids, existing }: Submitted): void {
  const known = new Set(existing);
  for (const id of ids) session.print(known.has(id) ? `${id}  already there` : id);
}
