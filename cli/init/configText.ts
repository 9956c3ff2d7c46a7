import type { Argv } from "../../ipc/taskSpec.ts";
import type { Proposal } from "./survey.ts";

/** The text of a new `orchd.yaml`: what was found out, and comments for whoever changes it later. */
export function configText(proposal: Omit<Proposal, "commonDir" | "workTree">): string {
  const target = scalar(proposal.target);
  return [
    "# How orchd works in this repository. Written by `orchd init`; edit it and commit it.",
    "# `orchd config check` checks it, `orchd schema config` prints all that it may hold.",
    "",
    "# How many tasks run at the same time, each in a workspace of its own.",
    `max_parallel: ${proposal.maxParallel}`,
    "",
    `# The branch that the work is for. It lands on orchd/${plainName(proposal.target)}, checked, and then:`,
    `target: ${target}`,
    "# auto: your branch follows by itself; manual: when you call `orchd land`; off: it stays.",
    "follow: auto",
    "",
    "# What must pass on the combined tree before anything lands.",
    ...verifyLines(proposal.verify),
    "",
    ...workspaceLines(proposal),
    "",
  ].join("\n");
}

function verifyLines(verify: readonly Argv[]): string[] {
  const lines = verify.length > 0 ? verify : [["make", "test"]];
  return ["# verify:", ...lines.map((argv) => `#   - ${flow(argv)}`)];
}

/** All of it commented out when nothing is known: a key without a value would not be valid. */
function workspaceLines({ setup, inputs, copy }: Pick<Proposal, "setup" | "inputs" | "copy">) {
  if (setup.length === 0 && copy.length === 0)
    return [
      "# Makes a fresh workspace ready, and brings files that git ignores into it.",
      "# workspace:",
      '#   setup: [["make", "deps"]]',
      '#   setup_inputs: ["deps.lock"]',
      '#   copy: [".env"]',
    ];
  return ["workspace:", ...setupLines(setup, inputs), ...copyLines(copy)];
}

function setupLines(setup: readonly Argv[], inputs: readonly string[]): string[] {
  if (setup.length === 0) return [];
  return [
    "  # Makes a fresh workspace ready; runs again when one of setup_inputs has changed.",
    "  setup:",
    ...setup.map((argv) => `    - ${flow(argv)}`),
    `  setup_inputs: ${flow(inputs)}`,
  ];
}

function copyLines(copy: readonly string[]): string[] {
  const what = "  # Files that git ignores and that the work needs, copied into each workspace.";
  return [what, copy.length > 0 ? `  copy: ${flow(copy)}` : '  # copy: [".env"]'];
}

/** JSON is YAML, and says without doubt where a word ends. */
function flow(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(", ")}]`;
}

function scalar(text: string): string {
  return /^[A-Za-z][\w./-]*$/.test(text) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

function plainName(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
