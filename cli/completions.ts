import { FailureError } from "../ipc/errors.ts";
import { commonOptions } from "./command.ts";
import type { Command, Spec } from "./command.ts";
import type { Session, Supervisor } from "./session.ts";
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
  const option = optionNamed(command, words.at(-2) ?? "");
  if (option !== null && option.type !== "boolean") return await values(option, typed, session);
  if (name === "locks" && words.includes("break")) return starting(typed, await holders(session));
  const choices = Object.values(command.positionals).flatMap((spec) => spec.choices ?? []);
  if (choices.length > 0) return starting(typed, choices);
  return "id" in command.positionals ? starting(typed, await taskIds(session)) : [];
}

function optionNamed(command: Command, word: string): Spec | null {
  if (!word.startsWith("--")) return null;
  return { ...command.options, ...commonOptions }[word.slice(2)] ?? null;
}

/** What may stand behind an option; nothing where it is a file or words of the person's own. */
async function values(
  { choices, value }: Spec,
  typed: string,
  session: Session,
): Promise<readonly string[]> {
  if (choices !== undefined) return starting(typed, choices);
  return value === "ID" ? starting(typed, await taskIds(session)) : [];
}

function optionNames(command: Command): string[] {
  const names = Object.keys({ ...command.options, ...commonOptions });
  return [...names, "help"].map((name) => `--${name}`);
}

function starting(typed: string, words: readonly string[]): readonly string[] {
  return words.filter((word) => word.startsWith(typed));
}

/** Of the open tasks and the newest that have ended; none when no supervisor answers. */
export async function taskIds(session: Session): Promise<readonly string[]> {
  return await asked(session, async (client) => {
    const { tasks } = await client.call("status", { open_max: idsMax, finished_max: idsMax });
    return tasks.map((task) => task.id);
  });
}

async function holders(session: Session): Promise<readonly string[]> {
  return await asked(session, async (client) => {
    const { locks } = await client.call("locks", {});
    return locks.map(({ holder }) => holder);
  });
}

/** None when no supervisor answers: completion must never complain. */
async function asked(
  session: Session,
  question: (client: Supervisor) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  try {
    return await question(await session.connect());
  } catch (error) {
    if (error instanceof FailureError) return [];
    throw error;
  }
}
