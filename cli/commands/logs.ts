import type { LogsQuery } from "../../ipc/logsView.ts";
import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { printLog } from "../logStream.ts";
import type { Session } from "../session.ts";
import { requireTaskId } from "../taskIds.ts";
import { interruptedExit } from "../terminal.ts";

export const command = defineCommand({
  usage: "logs <id>",
  describe: "Print what the last attempt of a task wrote to standard output, as it was written.",
  example: ["orchd logs t7k2m9x0ab -f", "Watch a running task"],
  positionals: {
    id: { type: "string", describe: "A task id, as `orchd status` shows it", required: true },
  },
  options: {
    follow: { type: "boolean", alias: "f", describe: "Go on until the attempt has ended" },
    attempt: { type: "number", value: "N", describe: "Of this attempt instead of the last" },
    stderr: { type: "boolean", describe: "What it wrote to standard error instead" },
  },
  run: async ({ id, follow, attempt, stderr }, session) => {
    if (attempt !== undefined && !(Number.isInteger(attempt) && attempt >= 1))
      throw new FailureError(failure("usage", `logs: --attempt counts from 1, not ${attempt}.`));
    const stream = stderr ? "stderr" : "stdout";
    const query = { id: requireTaskId(id), attempt: attempt ?? null, stream } as const;
    const end = await printLog(session, query, follow);
    if (end === "empty" && !session.json) await explainSilence(session, query);
    return end === "interrupted" ? interruptedExit : exitCodes.done;
  },
});

/** Many programs say why they fail on the other stream only. */
async function explainSilence(session: Session, query: Omit<LogsQuery, "offset">): Promise<void> {
  const other = query.stream === "stdout" ? "stderr" : "stdout";
  const client = await session.connect();
  const { size } = await client.call("logs", { ...query, stream: other, offset: 0 });
  const option = other === "stderr" ? " --stderr" : "";
  const attempt = query.attempt === null ? "" : ` --attempt ${query.attempt}`;
  session.remark(
    size === 0
      ? "It printed nothing."
      : `It printed nothing there; see \`orchd logs ${query.id}${attempt}${option}\`.`,
  );
}
