import yargs from "yargs";
import type { Argv, Options } from "yargs";
import { commonOptions } from "./command.ts";
import type { Command, Spec, Specs } from "./command.ts";
import { usage, usageFailure } from "./usageFailure.ts";

/**
 * One command's words parsed by yargs, strictly: an unknown option, a value of the wrong kind or a
 * word too many is a failure `usage`, never ignored.
 */
export type Parsed =
  | { readonly kind: "help"; readonly text: string }
  | {
      readonly kind: "call";
      /** By the names in the command's `positionals` and `options`; `ValuesOf` says of which type. */
      readonly args: Readonly<Record<string, unknown>>;
      readonly json: boolean;
      readonly repo: string | undefined;
    };

const parserConfiguration = {
  "boolean-negation": false,
  "camel-case-expansion": false,
  "dot-notation": false,
  "greedy-arrays": false,
  "parse-numbers": false,
  "parse-positional-numbers": false,
} as const;

/** @param words what the shell gave, the verb included and nothing after `--` of a command line */
export async function parse(
  command: Command,
  words: readonly string[],
  columns: number,
): Promise<Parsed> {
  const optionSpecs: Specs = { ...command.options, ...commonOptions };
  refuseValuesOfFlags(command, optionSpecs, words);
  let help = "";
  let found: Readonly<Record<string, unknown>> | null = null;
  await yargs()
    .scriptName("orchd")
    .locale("en")
    .exitProcess(false)
    .showHelpOnFail(false)
    .version(false)
    .help("help")
    .alias("help", "h")
    .strict()
    .wrap(Math.min(columns, helpColumnsMax))
    .parserConfiguration(parserConfiguration)
    .fail((message: string | null, error: Error | undefined) => {
      // yargs has errors of its own for some misuses, and passes on what our code threw.
      if (error !== undefined && error !== null && error.name !== "YError") throw error;
      throw usageFailure(command, optionSpecs, words, message ?? error?.message ?? "");
    })
    .command(
      command.usage,
      command.describe,
      (y) => described(y, command, optionSpecs),
      (args) => {
        found = args;
      },
    )
    .parseAsync(shielded(words), {}, (_error: unknown, _args: unknown, output: string) => {
      help = output;
    });
  if (help !== "") return { kind: "help", text: help };
  const all = valuesOf(
    command,
    { ...command.positionals, ...optionSpecs },
    unshielded(found ?? {}),
  );
  const { json, repo, ...args } = all;
  return { kind: "call", args, json: json === true, repo: repo as string | undefined };
}

const helpColumnsMax = 100;

/**
 * yargs parses positional words a second time, as values of options, and loses those that begin with
 * a dash: `submit -`, `submit -- -x.yaml`. A NUL in front, which no shell can pass, hides them.
 */
function shielded(words: readonly string[]): string[] {
  const end = words.indexOf("--");
  const own = end < 0 ? words : words.slice(0, end);
  const rest = end < 0 ? [] : words.slice(end + 1);
  return [
    ...own.map((word) => (word === "-" ? `\0${word}` : word)),
    ...rest.map((word) => `\0${word}`),
  ];
}

function unshielded(found: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const bare = (value: unknown): unknown =>
    typeof value === "string" && value.startsWith("\0") ? value.slice(1) : value;
  return Object.fromEntries(
    Object.entries(found).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(bare) : bare(value),
    ]),
  );
}

function described(y: Argv, command: Command, options: Specs): Argv {
  for (const [name, spec] of Object.entries(command.positionals))
    y.positional(name, {
      type: "string",
      describe: spec.describe,
      array: spec.type === "strings",
      ...(spec.choices === undefined ? {} : { choices: spec.choices }),
    });
  for (const [name, spec] of Object.entries(options)) y.option(name, yargsOption(spec));
  return y.example(command.example[0].replace(/^orchd/, "$0"), command.example[1]);
}

function yargsOption(spec: Spec): Options {
  const describe = spec.value === undefined ? spec.describe : `${spec.describe} (${spec.value})`;
  return {
    type: spec.type === "boolean" ? "boolean" : "string",
    array: spec.type === "strings",
    requiresArg: spec.type !== "boolean",
    describe,
    ...(spec.alias === undefined ? {} : { alias: spec.alias }),
    ...(spec.choices === undefined ? {} : { choices: spec.choices }),
  };
}

function valuesOf(
  command: Command,
  specs: Specs,
  found: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, valueOf(command, name, spec, found[name])]),
  );
}

function valueOf(command: Command, name: string, spec: Spec, value: unknown): unknown {
  if (spec.type === "boolean") return value === true;
  if (spec.type === "strings") return value ?? [];
  if (Array.isArray(value)) throw usage(command, `--${name} is given more than once`);
  if (spec.type === "string" || value === undefined) return value;
  const number = Number(value);
  if (value === "" || !Number.isFinite(number))
    throw usage(command, `--${name} takes a number, not ${JSON.stringify(value)}`);
  return number;
}

/** yargs reads `--wait=maybe` as false. */
function refuseValuesOfFlags(command: Command, options: Specs, words: readonly string[]): void {
  for (const [name, spec] of Object.entries(options))
    if (spec.type === "boolean" && words.some((word) => word.startsWith(`--${name}=`)))
      throw usage(command, `--${name} takes no value`);
}
