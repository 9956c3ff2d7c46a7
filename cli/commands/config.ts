import { exitCodes, FailureError } from "../../ipc/errors.ts";
import type { ConfigView } from "../../ipc/methods.ts";
import { defineCommand } from "../command.ts";
import { configPage } from "../render/config.ts";
import type { Session } from "../session.ts";

export const command = defineCommand({
  usage: "config [what]",
  describe:
    "Show the settings in force: the running supervisor's, else those of orchd.yaml and the defaults. `config check` only reads the file and says whether it is valid.",
  example: ["orchd config check", "Is orchd.yaml valid? Exit code 2 if not"],
  positionals: {
    what: { type: "string", choices: ["show", "check"], describe: "Which one (default: show)" },
  },
  options: {},
  run: async ({ what }, session) => {
    if (what === "check") return await check(session);
    const running = await supervisorsConfig(session);
    const view = running ?? (await fromFile(session));
    if (session.json) session.printJson(view);
    else session.print(configPage(view, running !== null, session.look()));
    return exitCodes.done;
  },
});

async function check(session: Session): Promise<number> {
  const { file, config } = await fromFile(session);
  if (session.json) session.printJson({ file, config });
  else
    session.print(
      file === null ? "There is no orchd.yaml; the defaults are used." : `${file} is valid.`,
    );
  return exitCodes.done;
}

async function fromFile(session: Session): Promise<ConfigView> {
  return await (await import("../configFile.ts")).readSettings(session);
}

/** `null` when no supervisor answers. */
async function supervisorsConfig(session: Session): Promise<ConfigView | null> {
  try {
    const client = await session.connect();
    return await client.call("config", {});
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === "no_supervisor") return null;
    throw error;
  }
}
