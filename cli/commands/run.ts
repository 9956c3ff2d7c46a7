import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import type { Failure } from "../../ipc/errors.ts";
import { mintTaskId } from "../../ipc/ids.ts";
import { parseTaskValue } from "../../ipc/taskFile.ts";
import type { TaskSpec } from "../../ipc/taskSpec.ts";
import { defineCommand } from "../command.ts";
import { optionOf, taskOf } from "../runTask.ts";
import { submitTasks } from "../submission.ts";
import { waitAndTell } from "../waiting.ts";

export const command = defineCommand({
  usage: "run [word..]",
  describe:
    "Submit one command as a task and wait for it. The command comes after --: orchd run [options] -- CMD",
  example: ["orchd run --claim src/ -- npx prettier --write src", "Format src/ as one commit"],
  takesCommandLine: true,
  positionals: { word: { type: "strings", describe: "The command, where it has no options" } },
  options: {
    title: { type: "string", value: "TEXT", describe: "For people, and the commit's first line" },
    claim: { type: "strings", value: "GLOB", describe: "What it writes; may be given again" },
    read: { type: "strings", value: "GLOB", describe: "What it only reads; may be given again" },
    after: { type: "strings", value: "ID", describe: "Must have landed first; may be given again" },
    priority: { type: "number", value: "N", describe: "Higher starts earlier (default: 0)" },
    timeout: { type: "string", value: "DURATION", describe: "Such as 90s or 1h30m" },
    retries: { type: "number", value: "N", describe: "How often it is tried again" },
    env: { type: "strings", value: "NAME=VALUE", describe: "For its environment" },
    verify: { type: "strings", value: "CMD", describe: "A shell line that must pass to land" },
    "no-workspace": { type: "boolean", describe: "Run without a clone; nothing lands" },
    shell: { type: "string", value: "CMD", describe: "A shell line instead of a command after --" },
    id: { type: "string", value: "ID", describe: "Its id: submitting the same twice is one task" },
    wait: { type: "boolean", describe: "Wait for it; the default" },
    detach: { type: "boolean", alias: "d", describe: "Print its id and do not wait" },
  },
  run: async (args, session, commandLine) => {
    if (args.wait && args.detach)
      throw new FailureError(failure("usage", "run: --wait and --detach exclude each other."));
    const task = taskOf(args, [...args.word, ...commandLine]);
    const submitted = await submitTasks(session, (timeoutMs) => specsOf(task, timeoutMs)).catch(
      (error: unknown) => {
        if (!(error instanceof FailureError) || error.failure.problems.length === 0) throw error;
        const { code } = error.failure;
        throw new FailureError(
          code === "invalid_task"
            ? inOptions(error.failure)
            : { ...error.failure, ...toldInOptions(error.failure) },
        );
      },
    );
    if (!args.detach) {
      session.remark(`Submitted ${submitted.ids.join(", ")}.`);
      return await waitAndTell(session, submitted.ids);
    }
    if (session.json) session.printJson(submitted);
    else session.print(submitted.ids.join("\n"));
    return exitCodes.done;
  },
});

function specsOf(task: object, timeoutMs: number | null): readonly TaskSpec[] {
  const options = { name: "run", mint: mintTaskId, ...(timeoutMs === null ? {} : { timeoutMs }) };
  const parsed = parseTaskValue(task, options);
  if (parsed.ok) return parsed.value.specs;
  throw new FailureError(inOptions(parsed.failure));
}

/** The same failure, told in the options that were typed instead of the fields they became. */
function inOptions(reason: Failure): Failure {
  return failure("invalid_task", "run: this is not a valid task.", toldInOptions(reason));
}

function toldInOptions({ problems }: Failure): Pick<Failure, "problems"> & { hint: string } {
  const hint = "`orchd run --help` tells what each option takes.";
  const told = problems.map((problem) => ({
    ...problem,
    file: null,
    field: optionOf(problem.field.replace(/^tasks\[0\]\./, "")),
  }));
  return { problems: told, hint };
}
