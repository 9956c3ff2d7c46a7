import { parseDuration } from "../../ipc/duration.ts";
import { failure, FailureError } from "../../ipc/errors.ts";
import { defineCommand, taskIds } from "../command.ts";
import { requireTaskIds } from "../taskIds.ts";
import { waitAndTell } from "../waiting.ts";

export const command = defineCommand({
  usage: "wait <id..>",
  describe: "Wait until all these tasks have ended. Exit code 1 if one of them did not succeed.",
  example: ["orchd wait t7k2m9x0ab --timeout 20m", "Wait, but not for ever"],
  positionals: taskIds,
  options: {
    timeout: { type: "string", value: "DURATION", describe: "Give up waiting after this (exit 5)" },
  },
  run: async ({ id, timeout }, session) => {
    const ids = requireTaskIds(id);
    return await waitAndTell(session, ids, timeout === undefined ? null : timeoutMs(timeout));
  },
});

function timeoutMs(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.ms;
  throw new FailureError(failure("usage", `wait: --timeout: ${parsed.message}.`));
}
