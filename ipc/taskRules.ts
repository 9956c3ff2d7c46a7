import { lineRule, linesRule, wordRule } from "./textRules.ts";
import type { Rule } from "./textRules.ts";
import { isTaskId } from "./ids.ts";
import { quoted } from "./location.ts";

/** The limits of a task. They are part of the format: raising one is fine, lowering one is not. */
export const titleLengthMax = 200;
/** A title made from the command is cut here. */
export const titleMadeLengthMax = 72;
export const objectiveLengthMax = 4_000;
export const labelsMax = 32;
export const labelLengthMax = 64;
export const argvMax = 1_024;
export const scriptLengthMax = 100_000;
/** Ids in `after`, and as many in `after_any`. */
export const afterMax = 1_000;
export const resourcesMax = 32;
export const resourceCountMax = 1_000;
export const priorityMax = 1_000;
export const timeoutMsMin = 10;
export const retriesMax = 100;
export const backoffMsDefault = 10_000;
export const timeoutMsDefault = 60 * 60 * 1_000;
export const envMax = 256;
export const secretsMax = 64;
export const verifyMax = 32;
export const messageLengthMax = 16_000;
export const trailersMax = 32;
export const trailerLengthMax = 1_000;
/** 9999-12-31T23:59:59.999Z, the last moment that ISO 8601 can write with four digits. */
export const momentMsMax = 253_402_300_799_999;
/** One whole task, as the characters of its JSON. */
export const specLengthMax = 256 * 1_024;

export const titleRule: Rule = lineRule(titleLengthMax);
export const objectiveRule: Rule = linesRule(objectiveLengthMax);
export const labelRule: Rule = lineRule(labelLengthMax);
export const scriptRule: Rule = (script) =>
  script.trim() === "" ? "is empty; write a command" : scriptWord(script);
const scriptWord = wordRule(scriptLengthMax);
export const messageRule: Rule = linesRule(messageLengthMax);
export const trailerRule: Rule = lineRule(trailerLengthMax);

export const taskIdRule: Rule = (id) =>
  isTaskId(id)
    ? null
    : `${quoted(id)} is no task id; use 1 to 64 of a-z, 0-9 and \`. _ -\`, a letter or digit first, no \`..\`, not ending in \`.\` or \`.lock\``;

export const waitsForItself = "names the task itself, which could then never start";

export function alsoInEnv(name: string): string {
  return `${name} stands in \`env\` too; a variable has one value`;
}

export function specLengthFault(length: number): string | null {
  if (length <= specLengthMax) return null;
  return `is too large: ${length} characters as JSON; at most ${specLengthMax} are allowed`;
}

/** Why these cannot go together; asked of the schema's result and of a spec from the socket alike. */
export function nothingLandsFault(workspace: "clone" | "none", isInstant: boolean): string | null {
  if (workspace === "none") return "has no meaning with `workspace: none`, where nothing lands";
  if (isInstant) return "has no meaning with `tools: []`, where nothing lands";
  return null;
}
