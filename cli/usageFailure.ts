import { failure, FailureError } from "../ipc/errors.ts";
import { nearest } from "../ipc/nearest.ts";
import type { Command, Specs } from "./command.ts";

/** What yargs said in general, said of this command and the words that were typed. */
export function usageFailure(
  command: Command,
  options: Specs,
  words: readonly string[],
  said: string,
): FailureError {
  const unknown = /^Unknown arguments?: (.*)$/s.exec(said)?.[1]?.split(", ")[0]?.replace("\0", "");
  if (unknown !== undefined) return unknownFailure(command, options, words, unknown);
  if (said.startsWith("Not enough non-option arguments"))
    return usage(command, `${/<.*>/.exec(command.usage)?.[0] ?? "a word"} is missing`);
  const without = /^Not enough arguments following: (.*)$/.exec(said)?.[1];
  if (without !== undefined) {
    const value = options[without]?.value ?? "a value";
    return usage(command, `--${without} needs ${value} after it`);
  }
  const [, name, given] = /Argument: (\S+), Given: (.*), Choices: /s.exec(said) ?? [];
  const choices = (options[name ?? ""] ?? command.positionals[name ?? ""])?.choices;
  if (choices !== undefined && given !== undefined)
    return choiceFailure(command, `${name}` in options ? `--${name}: ` : "", given, choices);
  return usage(command, said.replace(/\s*\n\s*/g, " ").trim());
}

/** `given`: in quotes. */
function choiceFailure(
  command: Command,
  where: string,
  given: string,
  choices: readonly string[],
): FailureError {
  const similar = nearest(given.replace(/^"|"$/g, ""), choices);
  const suggestion = similar === null ? "" : `Did you mean ${similar}? `;
  const message = `${where}${given} is not one of ${choices.join(", ")}`;
  return usage(
    command,
    choices.length === 1 ? `${where}${given} is not ${choices[0]}` : message,
    suggestion,
  );
}

function unknownFailure(
  command: Command,
  options: Specs,
  words: readonly string[],
  name: string,
): FailureError {
  const isIn = (word: string): boolean =>
    bareName(word) === name || (name.length === 1 && /^-[^-]/.test(word) && word.includes(name));
  const flag = words.find((word) => /^--?[^-]/.test(word) && isIn(word));
  if (flag === undefined) return usage(command, `"${name}" is one word too many`);
  const similar = nearest(name, Object.keys(options));
  const suggestion = similar === null ? "" : `Did you mean --${similar}? `;
  const forCommand = command.takesCommandLine === true ? "The command to run comes after --. " : "";
  return usage(command, `there is no option ${flag.split("=")[0]}`, suggestion + forCommand);
}

function bareName(word: string): string {
  return word.replace(/^--?/, "").split("=")[0] ?? "";
}

/** A failure `usage` of a command, with where to read more. */
export function usage(command: Command, message: string, suggestion = ""): FailureError {
  const verb = command.usage.split(" ")[0];
  const hint = `${suggestion}\`orchd ${verb} --help\` tells what it takes.`;
  return new FailureError(failure("usage", `${verb}: ${message}`, { hint }));
}
