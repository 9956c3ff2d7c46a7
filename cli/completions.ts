import { FailureError } from "../ipc/errors.ts";
import { commonOptions } from "./command.ts";
import type { Command } from "./command.ts";
import type { Session } from "./session.ts";
import { findVerb, verbs } from "./verbs.ts";
import { readWords } from "./words.ts";

const idsMax = 200;

/** What may stand at the end of `words` (the last one is being typed); nothing where files belong. */
export async function completions(
  words: readonly string[],
  session: Session,
): Promise<readonly string[]> {
  const typed = words.at(-1) ?? "";
  const { verb: name, verbAt } = readWords(words);
  const verb = name === null || verbAt === words.length - 1 ? undefined : findVerb(name);
  if (verb === undefined) return starting(typed, [...verbs.map((one) => one.name), "help"]);
  const command = await verb.load();
  if (typed.startsWith("-")) return starting(typed, optionNames(command));
  const choices = Object.values(command.positionals).flatMap((spec) => spec.choices ?? []);
  if (choices.length > 0) return starting(typed, choices);
  return "id" in command.positionals ? starting(typed, await taskIds(session)) : [];
}

function optionNames(command: Command): string[] {
  const names = Object.keys({ ...command.options, ...commonOptions });
  return [...names, "help"].map((name) => `--${name}`);
}

function starting(typed: string, words: readonly string[]): readonly string[] {
  return words.filter((word) => word.startsWith(typed));
}

/** None when no supervisor answers: completion must never complain. */
async function taskIds(session: Session): Promise<readonly string[]> {
  try {
    const client = await session.connect();
    const { tasks } = await client.call("status", { open_max: idsMax, finished_max: idsMax });
    return tasks.map((task) => task.id);
  } catch (error) {
    if (error instanceof FailureError) return [];
    throw error;
  }
}
