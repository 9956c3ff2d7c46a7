import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import { isHoldId, isTaskId } from "../../ipc/ids.ts";
import { defineCommand } from "../command.ts";
import { lockTable } from "../render/locks.ts";
import { plain } from "../render/text.ts";
import type { HolderId } from "../../ipc/ids.ts";

export const command = defineCommand({
  usage: "locks [action] [id..]",
  describe: "List what is held, by whom, and who waits for it. `locks break ID` frees it.",
  example: ["orchd locks", "Who holds src/auth/?"],
  positionals: {
    action: { type: "string", choices: ["break"], describe: "What to do; without: list" },
    id: { type: "strings", describe: "Holders, as `orchd locks` shows them" },
  },
  options: {},
  run: async ({ action, id }, session) => {
    if (action === "break") {
      const client = await session.connect();
      const result = await client.call("break_locks", { holders: holdersOf(id) });
      if (session.json) session.printJson(result);
      else session.print(result.broken.map((holder) => `${holder} is being ended.`).join("\n"));
      return exitCodes.done;
    }
    const client = await session.connect();
    const result = await client.call("locks", {});
    if (session.json) session.printJson(result);
    else session.print(lockTable(result.locks, session.look()));
    return exitCodes.done;
  },
});

/** Also as the table shows a task: with the number of its attempt. */
function holdersOf(words: readonly string[]): HolderId[] {
  if (words.length === 0)
    throw new FailureError(failure("usage", "locks break: name what is to be broken"));
  return words.map((word) => {
    if (isHoldId(word) || isTaskId(word)) return word;
    throw new FailureError(
      failure("usage", `locks break: ${plain(word)} is not the id of a holder`),
    );
  });
}
