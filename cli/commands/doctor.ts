import { exitCodes } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { doctorPage } from "../render/doctor.ts";

export const command = defineCommand({
  usage: "doctor",
  describe:
    "Look at everything orchd depends on, with or without a supervisor, and say of each problem what it means and what can be done.",
  example: ["orchd doctor --deep", "Prove every event of the journal, too"],
  positionals: {},
  options: {
    deep: { type: "boolean", describe: "Prove the whole journal, not only what a start reads" },
  },
  run: async ({ deep }, session) => {
    const { examine } = await import("../doctor/examine.ts");
    const findings = await examine(session, deep);
    const count = (level: string): number => findings.filter((one) => one.level === level).length;
    const [problems, warnings] = [count("problem"), count("warning")];
    if (session.json) session.printJson({ problems, warnings, checks: findings });
    else session.print(doctorPage(findings, session.look()));
    return problems > 0 ? exitCodes.taskFailed : exitCodes.done;
  },
});
