import { exitCodes } from "../../ipc/errors.ts";
import type { StatusQuery } from "../../ipc/statusViews.ts";
import { defineCommand } from "../command.ts";
import { statusPage } from "../render/status.ts";

const everything: StatusQuery = { open_max: 10_000, finished_max: 1_000 };
const forPrograms: StatusQuery = { open_max: 10_000, finished_max: 100 };
const forPeople: StatusQuery = { open_max: 50, finished_max: 10 };

export const command = defineCommand({
  usage: "status",
  describe: "Show what runs, what waits and why, what has ended, the workers, and what has landed.",
  example: ["orchd status --watch", "Keep it on the screen"],
  positionals: {},
  options: {
    watch: { type: "boolean", alias: "w", describe: "Refresh in place until Ctrl-C" },
    all: {
      type: "boolean",
      alias: "a",
      describe: "Every open task, and up to 1,000 finished ones",
    },
  },
  run: async ({ watch, all }, session) => {
    const query = all ? everything : session.json ? forPrograms : forPeople;
    if (watch) return await (await import("../watching.ts")).watchStatus(session, query);
    const client = await session.connect();
    const view = await client.call("status", query);
    if (session.json) session.printJson(view);
    else session.print(statusPage(view, session.look()));
    return exitCodes.done;
  },
});
