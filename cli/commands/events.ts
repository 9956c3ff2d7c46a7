import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import type { EventView } from "../../ipc/eventView.ts";
import { defineCommand } from "../command.ts";
import { followEvents, printKeptEvents } from "../eventStream.ts";
import { eventLine } from "../render/event.ts";
import type { Session } from "../session.ts";
import { interruptedExit } from "../terminal.ts";

export const command = defineCommand({
  usage: "events",
  describe: "Print what happened, one line an event; with --follow what happens from now on.",
  example: ["orchd events --follow --json", "One JSON line an event, until Ctrl-C"],
  positionals: {},
  options: {
    follow: {
      type: "boolean",
      alias: "f",
      describe: "Go on until Ctrl-C; without --from: from now",
    },
    from: {
      type: "number",
      value: "SEQ",
      describe: "Only events after this sequence number (default: all that are kept)",
    },
  },
  run: async ({ follow, from }, session) => {
    if (from !== undefined && !(Number.isSafeInteger(from) && from >= 0))
      throw new FailureError(
        failure("usage", `events: --from takes a sequence number, not ${from}.`),
      );
    const onEvent = (event: EventView): void => printEvent(session, event);
    if (!follow) {
      await printKeptEvents(session, from ?? 0, onEvent);
      return exitCodes.done;
    }
    await followEvents(session, from ?? null, onEvent);
    return interruptedExit;
  },
});

function printEvent(session: Session, event: EventView): void {
  if (session.json) session.printJson(event);
  else session.print(eventLine(event, session.look()));
}
