import { exitCodes, failure, FailureError } from "../../ipc/errors.ts";
import { defineCommand } from "../command.ts";
import { configText } from "../init/configText.ts";
import { excludeBrain } from "../../system/exclude.ts";
import { writeConfig } from "../init/files.ts";
import { survey } from "../init/survey.ts";
import type { Proposal } from "../init/survey.ts";
import { plain } from "../render/text.ts";

export const command = defineCommand({
  usage: "init",
  describe:
    "Look at this repository and write an orchd.yaml that fits it. Says why when orchd cannot work here.",
  example: ["orchd init", "Set a repository up, once"],
  positionals: {},
  options: {
    target: {
      type: "string",
      value: "BRANCH",
      describe: "The branch that the work is for (default: the one checked out)",
    },
    force: { type: "boolean", describe: "Replace the orchd.yaml that is there" },
  },
  run: async ({ target, force }, session) => {
    const { env } = session.terminal;
    const proposal = await survey(session.directory, target ?? null, env);
    const file = await writeConfig(proposal, configText(proposal), force);
    if (file === null) throw new FailureError(existsFailure(proposal));
    await excludeBrain(proposal.commonDir);
    if (session.json) session.printJson(resultOf(proposal, file));
    else session.print(summary(proposal, file));
    return exitCodes.done;
  },
});

function existsFailure({ workTree }: Proposal) {
  const hint = "Edit it, or replace it with `orchd init --force`.";
  return failure("refused", `${workTree} has an orchd.yaml already.`, { hint });
}

function resultOf(proposal: Proposal, file: string) {
  const { target, maxParallel, setup, inputs, copy, verify, notes } = proposal;
  return {
    file,
    target,
    max_parallel: maxParallel,
    workspace: { setup, setup_inputs: inputs, copy },
    suggested_verify: verify,
    notes,
  };
}

function summary(proposal: Proposal, file: string): string {
  const { target, maxParallel, setup, copy, verify, notes } = proposal;
  const branch = plain(target);
  const lines = setup.map((argv) => argv.join(" "));
  return [
    `Wrote ${plain(file)}`,
    `  target        ${branch} (work lands on orchd/${branch}, ${branch} follows)`,
    `  max_parallel  ${maxParallel}`,
    `  setup         ${lines.length > 0 ? lines.join("; ") : "none: no lockfile that is known was found"}`,
    ...(copy.length > 0 ? [`  copy          ${copy.map(plain).join(", ")}`] : []),
    ...(verify.length > 0
      ? [
          `  verify        off; ${verify.map((argv) => argv.join(" ")).join("; ")} is proposed in a comment`,
        ]
      : []),
    ...(notes.length > 0 ? ["", ...notes.map(plain)] : []),
    "",
    "Next:",
    "  git add orchd.yaml && git commit -m 'Configure orchd'",
    "  orchd start",
    "  orchd run -- CMD",
  ].join("\n");
}
